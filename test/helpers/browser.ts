import { chromium, type Browser } from 'playwright-core';
import { findChromium } from './requirements.ts';

const executablePath = findChromium();
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A suite in a real browser. Chromium is on no machine by itself; where it is missing the run says so in one line at its start. */
export const withBrowser = executablePath ? describe : () => undefined;

export const startBrowser = (): Promise<Browser> => chromium.launch({ executablePath, args: FLAGS });
