import { expect } from 'chai';
import { PLATFORMS } from '../../providers/provider.ts';
import { createProviders } from '../../providers/registry.ts';
import { parseConfig } from '../../server/config.ts';

describe('the providers', () => {
  it('are all known before any is configured, with what each still needs; those that take tokens are there already', () => {
    const { definitions, providers } = createProviders(parseConfig({}));
    const takeTokens = definitions.filter(({ definition }) => definition.tokenForms);
    expect([...providers.keys()]).to.deep.equal(takeTokens.map(({ definition }) => definition.id));
    expect(definitions.map(({ definition }) => definition.id)).to.include('google_drive');
    for (const { missing } of definitions) expect(missing).to.deep.equal({ clientId: true, clientSecret: true });
  });

  it('are there once they are configured', () => {
    const { definitions, providers } = createProviders(
      parseConfig({ GOOGLE_CLIENT_ID: 'id', GOOGLE_CLIENT_SECRET: 'hunter2' }),
    );
    expect([...providers.keys()])
      .to.include('google_drive')
      .and.not.to.include.members(['microsoft']);
    const google = definitions.find(({ definition }) => definition.id === 'google_drive');
    expect(google?.missing).to.deep.equal({ clientId: false, clientSecret: false });
    expect(providers.get('google_drive')?.definition).to.equal(google?.definition);
  });

  it('each have a name of their own and a reason for every permission', () => {
    const { definitions } = createProviders(parseConfig({}));
    const ids = definitions.map(({ definition }) => definition.id);
    expect(PLATFORMS).to.include.members(ids);
    expect(new Set(ids).size).to.equal(ids.length);
    for (const { definition } of definitions) {
      expect(definition.summary).to.match(/^\p{Lu}.*\.$/u);
      expect(definition.manualRevokeUrl).to.match(/^https:/);
      for (const { reason } of definition.scopes) expect(reason).to.match(/^\p{Lu}.*\.$/u);
    }
  });
});
