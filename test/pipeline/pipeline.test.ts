import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { waitFor } from '../helpers/wait.ts';
import { ContentError } from '../../server/pipeline/normalized.ts';
import type { IncomingFile } from '../../server/pipeline/pipeline.ts';
import type { TestPipeline } from './prepare-bytes.ts';
import { openTestPipeline } from './prepare-bytes.ts';

const text = 'The ferry leaves at nine.';
const file = (more: Partial<IncomingFile> = {}): IncomingFile => ({
  stream: Readable.from([Buffer.from(text)]),
  name: 'note.txt',
  mediaType: 'text/plain',
  ...more,
});
const settings = () => ({ title: 'Note', signal: new AbortController().signal });
const outcomeOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe('The pipeline', function () {
  this.timeout(120_000);
  let pipeline: TestPipeline;
  beforeEach(async () => {
    pipeline = await openTestPipeline({ maxFileBytes: 10_000 });
  });
  afterEach(async () => {
    await pipeline.close();
  });

  it('gives text, chunks, hash and size of a file, and leaves nothing behind', async () => {
    const document = await pipeline.prepare(file(), settings());
    expect(document).to.include({ format: 'txt', text, sizeBytes: text.length });
    expect(document.contentHash).to.equal(createHash('sha256').update(text).digest('hex'));
    expect(document.chunks).to.have.length(1);
    expect(document.chunks[0]).to.include({ ordinal: 0, text, embedText: `Note\n\n${text}` });
    expect(document.chunks[0]!.textHash).to.equal(createHash('sha256').update(`Note\n\n${text}`).digest('hex'));
    expect(pipeline.leftovers()).to.deep.equal([]);
  });

  it('refuses a file over the cap, announced or not, and stops fetching it', async () => {
    const announced = file({ sizeBytes: 10_001 });
    const error = await outcomeOf(pipeline.prepare(announced, settings()));
    expect(error).to.be.instanceOf(ContentError).with.property('code', 'too_large');
    expect(announced.stream.destroyed).to.equal(true);

    let given = 0;
    const endless = new Readable({
      read() {
        given += 1_000;
        this.push(Buffer.alloc(1_000, 97));
      },
    });
    const second = await outcomeOf(pipeline.prepare(file({ stream: endless }), settings()));
    expect(second).to.have.property('code', 'too_large');
    expect(second).to.have.property('message').that.includes('MAX_FILE_BYTES');
    expect(endless.destroyed).to.equal(true);
    expect(given).to.be.below(200_000);
    expect(pipeline.leftovers()).to.deep.equal([]);
  });

  it('names a file of another length than announced, one that broke off, and one whose checksum differs', async () => {
    for (const sizeBytes of [9_999, 3]) {
      const other = await outcomeOf(pipeline.prepare(file({ sizeBytes }), settings()));
      expect(other).to.have.property('code', 'incomplete');
      expect(other).to.have.property('message').that.includes(`${sizeBytes} were announced`);
    }
    const stream = new Readable({ read: () => void stream.destroy() });
    const broken = await outcomeOf(pipeline.prepare(file({ stream }), settings()));
    expect(broken).to.have.property('code', 'incomplete');
    expect(broken).to.have.property('message').that.includes('ended before');
    for (const algorithm of ['md5', 'sha256'] as const) {
      const wrong = await outcomeOf(pipeline.prepare(file({ hash: { algorithm, hex: 'ab' } }), settings()));
      expect(wrong).to.have.property('code', 'incomplete');
      expect(wrong).to.have.property('message').that.includes('checksum');
      const hex = createHash(algorithm).update(text).digest('hex').toUpperCase();
      const right = await pipeline.prepare(file({ hash: { algorithm, hex } }), settings());
      expect(right.text).to.equal(text);
    }
  });

  it('calls an empty file one without text', async () => {
    expect(await pipeline.refusal('empty.pdf', '')).to.match(/^no_text: .*0 bytes/);
    expect(await pipeline.refusal('blank.txt', ' \n\t\n')).to.match(/^no_text: /);
  });

  it("passes the stream's own error on", async () => {
    const failure = new Error('the vendor hung up');
    const stream = new Readable({ read: () => void stream.destroy(failure) });
    expect(await outcomeOf(pipeline.prepare(file({ stream }), settings()))).to.equal(failure);
    expect(pipeline.leftovers()).to.deep.equal([]);
  });

  it('stops with the reason of the signal while a file is still coming in', async () => {
    const controller = new AbortController();
    const stream = new Readable({ read() {} });
    stream.push('half a fi');
    const running = outcomeOf(pipeline.prepare(file({ stream }), { title: 'x', signal: controller.signal }));
    await waitFor('the temporary file', () => pipeline.leftovers().length > 0);
    const reason = new Error('the import was cancelled');
    controller.abort(reason);
    expect(await running).to.equal(reason);
    expect(stream.destroyed).to.equal(true);
    expect(pipeline.leftovers()).to.deep.equal([]);
    const late = await outcomeOf(pipeline.prepare(file(), { title: 'x', signal: controller.signal }));
    expect(late).to.equal(reason);
  });

  it('gives up an image after its first bytes', async () => {
    let given = 0;
    const stream = new Readable({
      read() {
        this.push(given++ === 0 ? Buffer.from('\x89PNG\r\n\x1a\n', 'latin1') : Buffer.alloc(1_000));
      },
    });
    const error = await outcomeOf(pipeline.prepare(file({ stream, name: 'photo.txt' }), settings()));
    expect(error).to.have.property('code', 'unsupported');
    expect(given).to.be.below(100);
  });

  it('reads eight files at once', async () => {
    const many = await Promise.all(
      Array.from({ length: 8 }, (_, at) => pipeline.read(`${at}.txt`, `Letter number ${at}`)),
    );
    expect(many.map((document) => document.text)).to.deep.equal(many.map((_, at) => `Letter number ${at}`));
  });
});

describe('The pool of parsers', function () {
  this.timeout(120_000);
  const workerEntry = new URL('./faulty-worker.ts', import.meta.url);
  let pipeline: TestPipeline | undefined;
  afterEach(async () => {
    await pipeline?.close();
  });

  it('ends a parser that hangs, reports a timeout, and reads the next file', async () => {
    pipeline = await openTestPipeline({ workerEntry, timeoutMs: 3_000 });
    expect(await pipeline.refusal('hang.txt', 'x')).to.match(/^timeout: .*3 seconds/);
    expect((await pipeline.read('good.txt', 'x')).text).to.equal('fine');
    expect(pipeline.leftovers()).to.deep.equal([]);
  });

  for (const name of ['throw.txt', 'exit.txt', 'memory.txt'])
    it(`survives a parser that breaks down (${name}) and reads the files that wait behind it`, async () => {
      pipeline = await openTestPipeline({ workerEntry });
      const bad = pipeline.refusal(name, 'x');
      const good = pipeline.read('good.txt', 'x');
      expect(await bad).to.match(/^parser_crash: /);
      expect((await good).text).to.equal('fine');
    });

  it('ends a parser at work when its import is cancelled, and drops files that wait', async () => {
    pipeline = await openTestPipeline({ workerEntry });
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const start = (name: string) =>
      outcomeOf(pipeline!.prepare(file({ name }), { title: name, signal: controller.signal }));
    const running = [start('hang.txt'), start('hang.txt')];
    await waitFor('both files', () => pipeline!.leftovers().length === 2);
    controller.abort(reason);
    expect(await Promise.all(running)).to.deep.equal([reason, reason]);
    expect((await pipeline.read('good.txt', 'x')).text).to.equal('fine');
  });

  it('reads one big file at a time, and small ones beside it', async () => {
    pipeline = await openTestPipeline({ workerEntry, workers: 2 });
    const big = Buffer.alloc(17 * 1_048_576, 'x');
    const controller = new AbortController();
    let hanging: Promise<unknown> = Promise.resolve();
    await new Promise<void>((resolve) => {
      hanging = outcomeOf(
        pipeline!.prepare(
          { ...file({ name: 'hang.txt' }), stream: Readable.from([big]), sizeBytes: big.length },
          { title: 'hang', signal: controller.signal, onArrived: async () => resolve() },
        ),
      );
    });
    let isRead = false;
    const next = pipeline.read('next.txt', big).then(() => (isRead = true));
    await waitFor('the second big file', () => pipeline!.leftovers().length === 2);
    expect((await pipeline.read('good.txt', 'x')).text).to.equal('fine');
    expect(isRead).to.equal(false);
    controller.abort(new Error('cancelled'));
    await hanging;
    await next;
  });

  it('closes while a file hangs, and refuses work from then on', async () => {
    pipeline = await openTestPipeline({ workerEntry });
    const running = outcomeOf(pipeline.prepare(file({ name: 'hang.txt' }), settings()));
    await waitFor('the file', () => pipeline!.leftovers().length === 1);
    await pipeline.close();
    expect(await running).to.be.instanceOf(Error);
    expect(await outcomeOf(pipeline.prepare(file(), settings())))
      .to.have.property('message')
      .that.includes('closed');
  });
});
