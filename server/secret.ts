import { inspect } from 'node:util';

/**
 * Holds a value that must never be shown: printing, interpolating, logging or serialising a Secret gives `[secret]`.
 * Only `reveal()` gives the value, so every place that lets one out can be found by name.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
