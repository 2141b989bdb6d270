import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether two texts are the same, in a time that tells nothing of how alike they are. An absent one is the same as none. */
export function sameSecret(given: string | undefined, expected: string | undefined): boolean {
  const equal = timingSafeEqual(digest(given ?? ''), digest(expected ?? ''));
  return equal && given !== undefined && expected !== undefined;
}

/** Of equal length whatever the text: comparing bytes of different lengths throws. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
