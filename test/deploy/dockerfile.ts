import { Copy, DockerfileParser } from 'dockerfile-ast';

/** `text` is what follows the keyword, without flags; `from` is what a COPY takes its files out of. */
export type Instruction = { keyword: string; text: string; words: string[]; from?: string };
export type Stage = { name: string; image: string; instructions: Instruction[] };

/** The stages of a Dockerfile, its arguments filled in. */
export function stagesOf(text: string): Stage[] {
  const stages: Stage[] = [];
  const args = new Map<string, string>();
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword();
    const words = instruction
      .getArguments()
      .map((argument) => argument.getValue())
      .filter((word) => !word.startsWith('--'));
    const stage = stages.at(-1);
    if (keyword === 'ARG' && !stage) {
      const [name = '', value = ''] = words[0]?.split('=') ?? [];
      args.set(name, value);
    } else if (keyword === 'FROM') {
      const image = words[0]?.replace(/\$\{(\w+)\}/g, (_whole, name: string) => args.get(name) ?? '') ?? '';
      stages.push({ name: words[2] ?? '', image, instructions: [] });
    } else if (stage) {
      const raw = instruction.getRawArgumentsContent() ?? '';
      const from = instruction instanceof Copy ? instruction.getFromFlag()?.getValue() : undefined;
      stage.instructions.push({ keyword, text: raw, words, from: from ?? undefined });
    }
  }
  return stages;
}

/** Whether .dockerignore keeps a path out of the build. Knows names, folders and `*`, which is what it holds. */
export const isIgnored = (dockerignore: string, source: string): boolean =>
  dockerignore
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .some((line) => {
      const pattern = line.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
      return new RegExp(`^${pattern}(/|$)`).test(source);
    });
