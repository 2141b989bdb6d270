import { createProviders } from '../../providers/registry.ts';
import type { Config } from '../config.ts';
import { createEgress, hostsOf } from '../egress/egress.ts';
import { createOriginalStorages } from '../originals/originals.ts';
import { fail, ok, type Finding } from './finding.ts';
import { reasonOf } from './reason.ts';

/** Asks the storage whether it is there, where originals are kept; nothing is written. */
export async function checkOriginals(config: Config): Promise<Finding> {
  const vendorHosts = createProviders(config).definitions.flatMap(({ definition }) => definition.hosts);
  const egress = createEgress({ allowedHosts: hostsOf(config, vendorHosts), vendorHosts });
  try {
    const { takes } = createOriginalStorages(config, { fetch: egress.fetch, tries: 1 });
    if (!takes) return ok('originals', 'are not kept; KEEP_ORIGINALS is none');
    return ok('originals', `are kept ${await takes.check(AbortSignal.timeout(20_000))}`);
  } catch (error) {
    return fail('originals', `cannot be kept: ${reasonOf(error)}`);
  } finally {
    await egress.close();
  }
}
