import type { XmlEvents } from './xml.ts';

/** What a style of text means here. */
export type OdfStyle = { isTitle: boolean; isCaption: boolean; isHidden: boolean };

export type OdfStyles = {
  /** Learns from the styles in a part: those of `styles.xml`, and those that stand before the body of `content.xml`. */
  events: XmlEvents;
  /** The style of a paragraph or of words in one. */
  textStyle(family: 'paragraph' | 'text', name: string | undefined): OdfStyle;
  isHiddenSheet(name: string | undefined): boolean;
};

type Raw = { parent?: string; isHidden?: boolean; isHiddenTable?: boolean };

const PLAIN: OdfStyle = { isTitle: false, isCaption: false, isHidden: false };
/** Styles that inherit from one another, at most: some files have them in a circle. */
const LONGEST_CHAIN = 20;
/** What writers call the paragraphs below pictures and tables; user's own styles build on them. */
const CAPTIONS = new Set(['Caption', 'Illustration', 'Table', 'Figure', 'Drawing']);

/** Keeps what styles say about visibility and purpose. Source: OpenDocument 1.3 part 3, chapter 16 */
export function createOdfStyles(): OdfStyles {
  const styles = new Map<string, Raw>();
  const known = new Map<string, OdfStyle>();
  let current: Raw | undefined;

  const resolve = (family: string, name: string): OdfStyle => {
    const chain: [name: string, raw: Raw | undefined][] = [];
    for (let at: string | undefined = name; at !== undefined && chain.length < LONGEST_CHAIN;) {
      const raw: Raw | undefined = styles.get(`${family} ${at}`);
      chain.push([at, raw]);
      at = raw?.parent;
    }
    return {
      isTitle: chain.some(([each]) => each === 'Title'),
      isCaption: chain.some(([each]) => CAPTIONS.has(each)),
      isHidden: chain.find(([, raw]) => raw?.isHidden !== undefined)?.[1]?.isHidden ?? false,
    };
  };
  return {
    events: {
      open(tag) {
        if (tag.name === 'style') {
          current = { parent: tag.attribute('parent-style-name') };
          styles.set(`${tag.attribute('family') ?? ''} ${tag.attribute('name') ?? ''}`, current);
        } else if (!current) return;
        else if (tag.name === 'text-properties') {
          const display = tag.attribute('display');
          if (display !== undefined) current.isHidden = display === 'none';
        } else if (tag.name === 'table-properties') current.isHiddenTable = tag.attribute('display') === 'false';
      },
      close(name) {
        if (name === 'style') current = undefined;
      },
    },
    textStyle(family, name) {
      if (name === undefined) return PLAIN;
      const key = `${family} ${name}`;
      let style = known.get(key);
      if (!style) known.set(key, (style = resolve(family, name)));
      return style;
    },
    isHiddenSheet: (name) => styles.get(`table ${name}`)?.isHiddenTable === true,
  };
}
