import type { StorageElement, StorageElements } from './confluence-storage.ts';
import type { Flow } from './flow.ts';
import type { Attributes } from './markup.ts';

/** A link or an image that is open: what it is called, for want of that its anchor, and what had been written when it began. */
type Holder = { name: string; anchor?: string; written: number };

/** Links, images, people and emoji: by the words that people see, or the name of what they lead to. */
export function referenceElements(flow: Flow): StorageElements {
  const holders: Holder[] = [];
  let openResources = 0;

  const open = (name: string, anchor?: string): void => void holders.push({ name, anchor, written: flow.written() });
  const nameImage = (image: Holder | undefined): void => {
    if (!image?.name) return;
    flow.write(` ${image.name} `);
    image.name = '';
  };
  const resource: StorageElement = {
    open(attributes) {
      // Within an attachment stands the page that it belongs to.
      if (openResources++ > 0) return;
      const [around, holder] = [holders.at(-2), holders.at(-1)];
      if (!holder) flow.write(nameOf(attributes));
      // A picture that is a link goes by what it leads to.
      else if (!around?.name) holder.name ||= nameOf(attributes);
    },
    close: () => void openResources--,
  };
  return {
    'ac:link': {
      open: (attributes) => open('', attributes['ac:anchor']),
      close() {
        const link = holders.pop();
        if (link?.written === flow.written()) flow.write(link.name || (link.anchor ?? ''));
      },
    },
    'ac:image': {
      open: (attributes) => open(attributes['ac:alt'] || attributes['ac:title'] || ''),
      close: () => nameImage(holders.pop()),
    },
    'ac:caption': {
      open() {
        nameImage(holders.at(-1));
        flow.flush();
        flow.enter({ kind: 'caption' });
      },
      close() {
        flow.flush();
        flow.leave();
      },
    },
    'ac:emoticon': { open: (attributes) => flow.write(emojiOf(attributes)) },
    ...Object.fromEntries(RESOURCES.map((name) => [name, resource])),
  };
}

const RESOURCES = [
  'ri:page',
  'ri:blog-post',
  'ri:attachment',
  'ri:user',
  'ri:space',
  'ri:url',
  'ri:shortcut',
  'ri:content-entity',
];

/** A resource's name for people; of a person the one that came with the body, never an account's id. */
const nameOf = (resource: Attributes): string =>
  resource['ri:display-name'] ??
  resource['ri:content-title'] ??
  resource['ri:filename'] ??
  resource['ri:parameter'] ??
  resource['ri:space-key'] ??
  /([^/?#]+\.\w{2,5})(?:[?#]|$)/.exec(resource['ri:value'] ?? '')?.[1] ??
  '';

function emojiOf(emoticon: Attributes): string {
  const id = emoticon['ac:emoji-id'] ?? '';
  return (
    emoticon['ac:emoji-fallback'] ||
    emoticon['ac:emoji-shortname'] ||
    (/^[0-9a-f]{2,5}(-[0-9a-f]{2,5}){0,9}$/i.test(id)
      ? String.fromCodePoint(...id.split('-').map((code) => parseInt(code, 16)))
      : (EMOTICONS.get(emoticon['ac:name'] ?? '') ?? ''))
  );
}

/**
 * Emoticons of the older editor, which says no more than their name.
 * Source: https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html#ConfluenceStorageFormat-Emoticons
 */
const EMOTICONS = new Map([
  ['smile', '🙂'],
  ['sad', '🙁'],
  ['cheeky', '😛'],
  ['laugh', '😀'],
  ['wink', '😉'],
  ['thumbs-up', '👍'],
  ['thumbs-down', '👎'],
  ['information', 'ℹ️'],
  ['tick', '✅'],
  ['cross', '❌'],
  ['warning', '⚠️'],
  ['plus', '➕'],
  ['minus', '➖'],
  ['question', '❓'],
  ['light-on', '💡'],
  ['light-off', '💡'],
  ['yellow-star', '⭐'],
  ['red-star', '⭐'],
  ['green-star', '⭐'],
  ['blue-star', '⭐'],
  ['heart', '❤️'],
  ['broken-heart', '💔'],
]);
