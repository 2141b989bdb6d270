/**
 * Whether a Bearer header can carry this token: visible ASCII. An HTTP client quotes a header's value in the error about any other sign,
 * so a token that is none must not get that far.
 * Source: RFC 6750 §2.1, https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export const isBearerToken = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);
