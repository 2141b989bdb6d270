import { consentPage, refusalPage } from '../google-drive/sandbox-page.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';

/** What the person is told a permission allows, in Microsoft's manner. */
const ALLOWS: Record<string, string> = {
  openid: 'Sign you in',
  profile: 'View your basic profile',
  email: 'View your e-mail address',
  offline_access: 'Maintain access to data you have given it access to',
  'User.Read': 'Sign you in and read your profile',
  'Files.Read.All': 'Read all files that you have access to',
  'Sites.Read.All': 'Read items in all site collections',
  'Team.ReadBasic.All': 'Read the names and descriptions of teams',
  'Channel.ReadBasic.All': 'Read the names and descriptions of channels',
};

/** The pages look as those of the other stand-in; only the name in them differs. */
const inMicrosoftsName = (html: string): string =>
  html.replaceAll('Google Account', 'Microsoft account').replaceAll('Google', 'Microsoft');

/** The consent page. `request` is the signed request, which comes back with the decision. */
export function microsoftConsentPage(view: {
  accounts: SandboxAccount[];
  scopes: string[];
  loginHint?: string;
  request: string;
}): string {
  const scopes = view.scopes.map((scope) => ALLOWS[scope] ?? scope);
  return inMicrosoftsName(consentPage({ ...view, appName: 'Tributary', scopes }));
}

/** The page of a request that cannot be sent back to the app. */
export function microsoftRefusalPage(fault: string): string {
  const [code = '', ...text] = fault.split(': ');
  return inMicrosoftsName(refusalPage(code, text.join(': ')));
}
