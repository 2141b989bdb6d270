import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The steps of a file's import, in order. */
export const STAGES = ['download', 'parse', 'chunk', 'embed', 'index'] as const;
export type Stage = (typeof STAGES)[number];

/** From a page out of a cache to a question that a model answers. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From a passage to a scanned book. */
const WORK_SECONDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * What this process counts, in the terms of Prometheus. Labels have few values, all of them the hub's own words: never a path, a name, an id or
 * anything that a person typed. `withProcess` adds figures of the process itself.
 */
export function createMetrics(options: { withProcess: boolean }) {
  const registry = new Registry();
  const registers = [registry];
  if (options.withProcess) collectDefaultMetrics({ register: registry });

  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name, help, labelNames: [...labelNames], buckets, registers });

  return {
    registry,
    httpRequests: counter('tributary_http_requests_total', 'Requests, by the pattern of their route.', [
      'method',
      'route',
      'status',
    ]),
    httpSeconds: histogram(
      'tributary_http_request_seconds',
      'Time to the end of the answer; streams of events are left out.',
      ['method', 'route'],
      REQUEST_SECONDS,
    ),
    grants: counter('tributary_grants_total', 'Accounts that came back from consent, or were connected by a token.', [
      'platform',
      'outcome',
    ]),
    tokenRefreshes: counter('tributary_token_refreshes_total', 'Access tokens that a vendor was asked to renew.', [
      'platform',
      'outcome',
    ]),
    vendorRequests: counter('tributary_vendor_requests_total', 'Requests to vendors, repeated ones too.', [
      'platform',
      'outcome',
    ]),
    vendorPauses: counter('tributary_vendor_pause_seconds_total', 'Time that vendors asked to wait.', ['platform']),
    importsStarted: counter('tributary_imports_started_total', 'Imports and syncs that began, retries too.', ['kind']),
    importsEnded: counter('tributary_imports_ended_total', 'Imports and syncs that ended.', ['kind', 'outcome']),
    documents: counter('tributary_documents_saved_total', 'Documents whose new content was saved.', ['platform']),
    bytes: counter('tributary_imported_bytes_total', 'Bytes of the files whose new content was saved.', ['platform']),
    stageSeconds: histogram(
      'tributary_stage_seconds',
      'Time of one step of one file; waiting for a thread to read it is left out.',
      ['stage'],
      WORK_SECONDS,
    ),
    jobs: counter('tributary_jobs_total', 'Runs of jobs.', ['queue', 'outcome']),
    jobSeconds: histogram('tributary_job_seconds', 'Time of one run of a job.', ['queue'], WORK_SECONDS),
    modelRequests: counter('tributary_model_requests_total', 'Requests to models.', ['purpose', 'model']),
    modelTokens: counter('tributary_model_tokens_total', 'Tokens that models counted.', [
      'purpose',
      'model',
      'direction',
    ]),
    partReady: gauge('tributary_part_ready', 'Whether a part that the hub needs answers: 1, or 0.', ['part']),
    queueJobs: gauge('tributary_queue_jobs', 'Jobs of all processes: waiting, planned for later, running.', [
      'queue',
      'state',
    ]),
    queueOldest: gauge('tributary_queue_oldest_job_seconds', 'How long the job has waited that waits longest.', [
      'queue',
    ]),
    items: gauge('tributary_import_items', 'Rows of the ledgers of all imports.', ['state', 'reason']),
    integrations: gauge('tributary_integrations', 'Connected accounts.', ['platform', 'status']),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
