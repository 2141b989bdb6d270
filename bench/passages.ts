import { createHash } from 'node:crypto';
import { seededChance } from '../test/helpers/seeded.ts';

/** Numbers of a vector: those of the built-in embedder. */
export const DIMENSIONS = 1024;

export type Passage = { text: string; hash: string; vector: Float32Array };

const TOPICS = 400;
const WORDS_OF_TOPIC = 60;
const COMMON_WORDS = 3_000;
const SYLLABLES = [
  'ba',
  'ler',
  'mi',
  'ton',
  'qua',
  'ser',
  'vo',
  'nid',
  'gra',
  'pel',
  'ux',
  'tri',
  'som',
  'ken',
  'ila',
  'dor',
];

/**
 * Made-up passages that share words as real ones do: some of a topic, most of them common, and few of these very often (Zipf). Their
 * vectors lie around their topic's.
 */
export function createPassages(seed: number) {
  const random = seededChance(seed);
  const centres = Array.from({ length: TOPICS }, () => direction(random));
  let made = 0;

  const commonWord = (): string => word(Math.floor(COMMON_WORDS ** random()) - 1);
  const topicWord = (topic: number): string =>
    word(COMMON_WORDS + topic * WORDS_OF_TOPIC + Math.floor(random() ** 2 * WORDS_OF_TOPIC));
  const near = (topic: number): Float32Array =>
    unit(direction(random).map((value, at) => value * 0.9 + (centres[topic]?.[at] ?? 0)));
  const topicOf = (): number => Math.floor(random() * TOPICS);

  return {
    /** About 90 words of one topic. */
    passage(): Passage {
      const topic = topicOf();
      const words = Array.from({ length: 70 + Math.floor(random() * 40) }, () =>
        random() < 0.3 ? topicWord(topic) : commonWord(),
      );
      const text = `Note ${(made += 1)} ${words.join(' ')}.`;
      return { text, hash: createHash('sha256').update(text).digest('hex'), vector: near(topic) };
    },
    /** A question of some words that asks for a topic. */
    query(): { text: string; vector: Float32Array } {
      const topic = topicOf();
      const text = [commonWord(), topicWord(topic), commonWord(), topicWord(topic), topicWord(topic)].join(' ');
      return { text, vector: near(topic) };
    },
  };
}

/** A made-up word for each number. */
function word(place: number): string {
  let rest = place + SYLLABLES.length;
  let made = '';
  for (; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) made += SYLLABLES[rest % SYLLABLES.length];
  return made;
}

function direction(random: () => number): Float32Array {
  return unit(Float32Array.from({ length: DIMENSIONS }, () => random() + random() + random() - 1.5));
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
