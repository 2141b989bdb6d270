/** First match wins: what others pretend to be stands behind what pretends. */
const BROWSERS: [RegExp, string][] = [
  [/\b(?:Edg|EdgA|EdgiOS)\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
];
const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

const nameOf = (known: [RegExp, string][], agent: string) => known.find(([pattern]) => pattern.test(agent))?.[1];

/** A `User-Agent` header in short words: "Firefox on Windows". */
export function browserLabel(agent: string | undefined): string {
  if (agent === undefined || agent === '') return 'Unknown browser';
  const browser = nameOf(BROWSERS, agent);
  const system = nameOf(SYSTEMS, agent);
  // A program says its name first.
  const program = /^([\w.-]{1,40})(?:\/|$)/.exec(agent)?.[1];
  if (browser === undefined && program !== undefined && program !== 'Mozilla') return program;
  return [browser ?? 'Unknown browser', system].filter(Boolean).join(' on ');
}
