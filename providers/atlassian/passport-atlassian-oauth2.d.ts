/** The package ships no types; its class is passport-oauth2's with Atlassian's addresses and parameters filled in. */
declare module 'passport-atlassian-oauth2' {
  import OAuth2Strategy from 'passport-oauth2';

  export default class AtlassianStrategy extends OAuth2Strategy {
    constructor(
      options: OAuth2Strategy.StrategyOptions & { profileURL?: string; accessibleResourcesURL?: string },
      verify: OAuth2Strategy.VerifyFunction,
    );
  }
}
