import type { SaxesTagPlain } from 'saxes';
import { SaxesParser } from 'saxes';
import { ContentError } from '../normalized.ts';
import type { Zip } from './zip.ts';

/** An element's start; valid only during the call it is given to. */
export type XmlTag = {
  /** The element's name without its prefix. */
  name: string;
  /** The value of an attribute by its name without prefix. */
  attribute(name: string): string | undefined;
  /** The same, of an attribute that has a prefix: `r:id` beside a plain `id`. */
  prefixed(name: string): string | undefined;
};

export type XmlEvents = {
  open?: (tag: XmlTag) => void;
  close?: (name: string) => void;
  text?: (text: string) => void;
};

/** Elements within one another, at most. Documents have some tens; files made to do harm have millions, each of which costs memory. */
const MAX_DEPTH = 4_000;

/**
 * Walks one XML part of a package as it is unpacked. Document types and entities are refused: Office writes none, attacks do.
 * Errors: ContentError `corrupt`, and those of the zip.
 */
export async function walkXml(zip: Zip, part: string, events: XmlEvents): Promise<void> {
  const parser = new SaxesParser({ xmlns: false, position: false });
  parser.on('doctype', () => {
    throw new ContentError(
      'corrupt',
      'The file was refused because it declares entities, which Office files never do; save it again in its program and import that.',
    );
  });
  parser.on('error', (error) => {
    throw new ContentError(
      'corrupt',
      'The file is damaged: its XML is not well-formed; save it again in its program and import it once more.',
      {
        cause: error,
      },
    );
  });
  const { open, close, text } = events;
  let depth = 0;
  parser.on('opentagstart', () => {
    if (++depth > MAX_DEPTH)
      throw new ContentError(
        'corrupt',
        `The file was refused because its elements nest over ${MAX_DEPTH} deep, as only files made to do harm do; save it again in its program and import that.`,
      );
  });
  if (open) {
    // One object serves all elements: closures for each would cost a third of the time of a big sheet.
    let current: SaxesTagPlain;
    const tag: XmlTag = {
      name: '',
      attribute: (name) => attributeOf(current, name),
      prefixed: (name) => prefixedOf(current, name),
    };
    parser.on('opentag', (opened: SaxesTagPlain) => {
      current = opened;
      tag.name = localName(opened.name);
      open(tag);
    });
  }
  parser.on('closetag', (tag) => {
    depth--;
    close?.(localName(tag.name));
  });
  if (text) {
    parser.on('text', text);
    parser.on('cdata', text);
  }
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  for await (const bytes of zip.stream(part)) {
    decoder ??= new TextDecoder(encodingOf(bytes));
    parser.write(decoder.decode(bytes, { stream: true }));
  }
  parser.write(decoder?.decode() ?? '');
  parser.close();
}

const encodingOf = (bytes: Buffer): string => {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const declared = /^<\?xml[^>]+encoding=["']([\w.-]+)["']/.exec(bytes.subarray(0, 200).toString('latin1'))?.[1];
  if (declared && /^(iso-8859-\d+|windows-125\d)$/i.test(declared)) return declared;
  return 'utf-8';
};

function localName(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(colon + 1);
}

function attributeOf(tag: SaxesTagPlain, name: string): string | undefined {
  const attributes = tag.attributes;
  if (name in attributes) return attributes[name];
  for (const key in attributes) if (hasLocalName(key, name)) return attributes[key];
  return undefined;
}

function prefixedOf(tag: SaxesTagPlain, name: string): string | undefined {
  for (const key in tag.attributes) if (hasLocalName(key, name)) return tag.attributes[key];
  return undefined;
}

/** Whether a name is this one with a prefix. */
const hasLocalName = (key: string, name: string): boolean =>
  key.length > name.length && key.endsWith(name) && key.indexOf(':') === key.length - name.length - 1;
