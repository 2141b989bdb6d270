import { expect } from 'chai';
import { parseForm } from '../../server/forms/form.ts';
import { encodeItem, selectionForm } from '../../server/forms/selection-form.ts';
import type { BasketItem } from '../../server/session.ts';

const item: BasketItem = {
  integrationId: '00000000-0000-4000-8000-000000000001',
  ref: 'item:1/ä?&',
  name: 'März – „Plan“ <b>.pdf',
  kind: 'file',
};

describe("the browser's form", () => {
  it('an item comes back as it was encoded, alone or among others', () => {
    const one = parseForm(selectionForm, { item: encodeItem(item) });
    expect(one.ok && one.values.item).to.deep.equal([item]);
    const two = parseForm(selectionForm, { item: [encodeItem(item), encodeItem({ ...item, ref: 'b' })] });
    expect(two.ok && two.values.item.map(({ ref }) => ref)).to.deep.equal([item.ref, 'b']);
  });

  it('an item that cannot be read is an error of the field, not an exception', () => {
    for (const bad of [
      '',
      '!!',
      Buffer.from('{}').toString('base64url'),
      encodeItem({ ...item, integrationId: 'x' }),
    ]) {
      const parsed = parseForm(selectionForm, { item: bad });
      expect(!parsed.ok && parsed.errors.map(({ field }) => field)).to.deep.equal(['item']);
    }
  });

  it('a file that holds items stays one, and a box that is ticked is a yes', () => {
    const parsed = parseForm(selectionForm, {
      item: encodeItem({ ...item, hasChildren: true }),
      includeChildren: 'yes',
    });
    expect(parsed.ok && parsed.values.item).to.deep.equal([{ ...item, hasChildren: true }]);
    expect(parsed.ok && parsed.values).to.include({ includeChildren: true, includeAttachments: false });
  });

  it('the way back leads to the browser only', () => {
    const back = (sent: unknown) => {
      const parsed = parseForm(selectionForm, { return: sent });
      return parsed.ok && parsed.values.return;
    };
    expect(back('/admin/browse?integration=1&ref=a')).to.equal('/admin/browse?integration=1&ref=a');
    for (const elsewhere of ['//evil.example/admin/browse', 'https://evil.example', '/admin/browser', undefined, ['x']])
      expect(back(elsewhere)).to.equal('/admin/browse');
  });
});
