/** One line of the checker: `fail` means that the hub does not start or work so, `warn` that something is off or missing. */
export type Finding = { level: 'ok' | 'warn' | 'fail'; about: string; message: string };

const finding =
  (level: Finding['level']) =>
  (about: string, message: string): Finding => ({ level, about, message });

export const ok = finding('ok');
export const warn = finding('warn');
export const fail = finding('fail');
