/** What a bench found: a table for people, and every single measurement behind it. */
export type BenchTable = { columns: string[]; rows: string[][]; samples: unknown };

/** One named measurement. `say` tells on the terminal how far it is. */
export type Bench = {
  /** As on the command line, and in the name of the file of results. */
  name: string;
  /** What is measured, in a sentence. */
  about: string;
  run(say: (line: string) => void): Promise<BenchTable>;
};
