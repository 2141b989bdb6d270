/** Counts of signed 32-bit hashes in the order they first came. */
export type HashCounts = {
  /** Counts each of the hashes so many times more. */
  add(hashes: Int32Array, times: number): void;
  /** How many hashes there are. */
  size(): number;
  hashAt(place: number): number;
  timesAt(place: number): number;
  /** Forgets all of them; the table stays as large as it has become. */
  clear(): void;
};

const FIRST_SLOTS = 4_096;

/**
 * A table of typed arrays with open addressing: a `Map` takes three times as long, and there are thousands of hashes in each text. The
 * hashes must be spread over all their bits.
 */
export function createHashCounts(): HashCounts {
  let slots = new Int32Array(FIRST_SLOTS);
  let hashes = new Int32Array(FIRST_SLOTS / 2);
  let times = new Int32Array(FIRST_SLOTS / 2);
  let size = 0;

  /** The slot that holds a hash's place plus one, or is free for it. */
  function slotOf(hash: number): number {
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let held = slots[slot]!; held !== 0 && hashes[held - 1] !== hash; held = slots[slot]!)
      slot = (slot + 1) & mask;
    return slot;
  }
  function grow(): void {
    const wider = (narrow: Int32Array): Int32Array<ArrayBuffer> => {
      const wide = new Int32Array(narrow.length * 2);
      wide.set(narrow);
      return wide;
    };
    hashes = wider(hashes);
    times = wider(times);
    slots = new Int32Array(slots.length * 2);
    for (let place = 0; place < size; place++) slots[slotOf(hashes[place]!)] = place + 1;
  }

  return {
    add(added, count) {
      for (let at = 0; at < added.length; at++) {
        const hash = added[at]!;
        let slot = slotOf(hash);
        if (slots[slot] === 0) {
          if (size === hashes.length) {
            grow();
            slot = slotOf(hash);
          }
          hashes[size] = hash;
          slots[slot] = ++size;
        }
        times[slots[slot]! - 1]! += count;
      }
    },
    size: () => size,
    hashAt: (place) => hashes[place]!,
    timesAt: (place) => times[place]!,
    clear() {
      slots.fill(0);
      times.fill(0, 0, size);
      size = 0;
    },
  };
}
