import { expect } from 'chai';
import { toItem as fromGoogle } from '../../providers/google-drive/wire.ts';
import { toDriveItem, toItem as fromMicrosoft, toSiteItem } from '../../providers/microsoft-365/wire.ts';
import { webAddress } from '../../providers/urls.ts';

describe('the link of an item', () => {
  const sound = ['https://drive.example/d/1?a=ä', 'http://wiki.example/x'];
  const others = [
    'javascript:alert(1)',
    ' JavaScript:alert(1)',
    'data:text/html,x',
    '//evil.example',
    '/admin',
    'x',
    '',
  ];

  it('is an address of the web, or none', () => {
    for (const url of sound) expect(webAddress(url)).to.equal(url);
    for (const url of [...others, null, undefined]) expect(webAddress(url), String(url)).to.equal(undefined);
  });

  it('is no script, whatever Google or Microsoft give', () => {
    const linksOf = (url: string) => [
      fromGoogle({ id: '1', name: 'a.txt', mimeType: 'text/plain', webViewLink: url }).webUrl,
      fromMicrosoft({ id: '1', name: 'a.txt', file: {}, webUrl: url, parentReference: { driveId: 'd' } }).webUrl,
      toDriveItem({ id: 'd', webUrl: url }).webUrl,
      toSiteItem({ id: 's', webUrl: url }).webUrl,
    ];
    expect(linksOf('https://vendor.example/1')).to.deep.equal(Array(4).fill('https://vendor.example/1'));
    expect(linksOf('javascript:alert(1)')).to.deep.equal(Array(4).fill(undefined));
  });
});
