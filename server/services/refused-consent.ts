import { BadRequestError } from '../errors.ts';

/**
 * What the vendor's `error` means for the person who came back with it.
 * Source: RFC 6749 §4.1.2.1, and https://learn.microsoft.com/entra/identity-platform/reference-error-codes (2026)
 */
export function consentRefused(label: string, error: string): BadRequestError {
  switch (error) {
    case 'access_denied':
      return new BadRequestError(
        'access_denied',
        `${label} was not connected, because access was denied. Connect again and choose “Allow” if that was a mistake.`,
      );
    case 'consent_required':
    case 'interaction_required':
    case 'admin_policy_enforced':
    case 'org_internal':
      return new BadRequestError(
        'admin_consent_required',
        `Your organisation has to approve this app before ${label} can be connected. Ask its administrator to approve it, then connect again.`,
      );
    case 'login_required':
      return new BadRequestError(
        'login_required',
        `${label} asks you to sign in there first. Sign in, then connect again.`,
      );
    case 'server_error':
    case 'temporarily_unavailable':
      return new BadRequestError('vendor_unavailable', `${label} has a fault just now. Try again in a few minutes.`);
    default:
      // The code is a word of the vendor's; anything else that stands there is not repeated.
      return new BadRequestError(
        'vendor_refused',
        `${label} did not allow the connection (${error.replaceAll(/[^\w .-]/g, '').slice(0, 60)}). The settings of this hub at ${label} need a look: the client id, the redirect URI and the permissions.`,
      );
  }
}
