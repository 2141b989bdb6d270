import { createTokenMint, type Grant, type TokenMint } from '../google-drive/sandbox-tokens.ts';

/** The look of Dropbox's tokens in place of Google's. */
const LOOKS: Record<Grant['kind'], [theirs: string, ours: string]> = {
  access: ['ya29.', 'sl.u.'],
  refresh: ['1//', 'r-'],
  consent: ['', ''],
  page: ['~!!~', 'AA'],
};

/** Makes and reads signed tokens, codes and cursors in the shapes Dropbox's have. */
export function createDropboxMint(signingKey: string): TokenMint {
  // Another key than the other stand-ins', so that none takes the other's tokens.
  const mint = createTokenMint(`dropbox ${signingKey}`);
  return {
    sign(grant) {
      const [theirs, ours] = LOOKS[grant.kind];
      return ours + mint.sign(grant).slice(theirs.length);
    },
    verify(kind, token) {
      const [theirs, ours] = LOOKS[kind];
      return token.startsWith(ours) ? mint.verify(kind, theirs + token.slice(ours.length)) : undefined;
    },
  };
}
