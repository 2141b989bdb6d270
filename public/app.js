/**
 * Enhancement only: every page works without this file. Times in the reader's zone, a selection that is kept while ticking,
 * live progress of an import, and small comforts.
 */

const inLocalTime = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const inNumbers = new Intl.NumberFormat('en-GB');
const plural = (n, word) => `${inNumbers.format(n)} ${n === 1 ? word : `${word}s`}`;

/** Shows times in the reader's zone; the server's text, in UTC, stays as the tooltip. */
function localizeTimes(root) {
  for (const time of root.querySelectorAll('time[datetime]:not([title])')) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    time.title = time.textContent.trim();
    time.textContent = inLocalTime.format(date);
  }
}

/** A form that came back with errors, or a token just made, is read from there. */
function focusWhatMatters() {
  document.querySelector('#error-summary, #created')?.focus();
}

function closeMenusOutside() {
  const close = (keep) => {
    for (const menu of document.querySelectorAll('details[data-close-outside][open]'))
      if (!keep || !menu.contains(keep)) menu.open = false;
  };
  document.addEventListener('click', (event) => close(event.target));
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    const open = document.querySelector('details[data-close-outside][open]');
    close();
    open?.querySelector('summary')?.focus();
  });
}

/** Buttons that copy the text of an element. What brings one into the page later shows it itself. */
function offerCopying() {
  for (const button of document.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;
  document.addEventListener('click', async ({ target }) => {
    const button = target.closest?.('[data-copy]');
    if (!button) return;
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText.trim());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Select and copy it by hand';
    }
    setTimeout(() => (button.textContent = label), 2500);
  });
}

function offerTickingAll() {
  for (const all of document.querySelectorAll('[data-tick-all]')) {
    all.hidden = false;
    const boxes = [...all.form.querySelectorAll(`tbody [name="${all.dataset.tickAll}"]`)];
    const show = () => {
      all.checked = boxes.every(({ checked }) => checked);
      all.indeterminate = !all.checked && boxes.some(({ checked }) => checked);
    };
    all.addEventListener('change', () => boxes.forEach((box) => (box.checked = all.checked)));
    all.form.addEventListener('change', show);
    show();
  }
}

/** Keeps each tick at once, so that following a link loses none. Changes go one after the other: they share a session. */
function keepSelection() {
  const form = document.getElementById('pick');
  const panel = document.querySelector('[data-basket]');
  if (!form || !panel) return;
  // The import's own field and button stay as they are: somebody may be about to use them.
  const list = panel.querySelector('[data-basket-list]');
  let pending = 0;
  let last = Promise.resolve();
  let failed = false;

  const send = async (action, fields) => {
    const body = new window.URLSearchParams([
      ['_csrf', form.elements._csrf.value],
      ['return', form.elements.return.value],
      ...[...panel.querySelectorAll('input')]
        .filter(({ type, checked }) => type !== 'checkbox' || checked)
        .map(({ name, value }) => [name, value]),
      ...fields,
    ]);
    const response = await fetch(action, {
      method: 'POST',
      body,
      headers: { 'X-Fragment': 'basket' },
      credentials: 'same-origin',
      redirect: 'error',
      // Lets the change survive leaving the page; browsers allow it for 64 KiB in all.
      keepalive: body.toString().length < 30_000,
    });
    // The whole form, sent the plain way, then shows what is wrong.
    if (!response.ok) throw new Error(`The selection was not kept: ${response.status}`);
    list.innerHTML = await response.text();
    panel.querySelector('[data-basket-status]').textContent =
      `${list.querySelector('.basket__count').textContent} selected`;
    markListed();
  };

  const queue = (action, fields) => {
    pending += 1;
    last = last
      .then(() => send(action, fields))
      .catch(() => (failed = true))
      .finally(() => (pending -= 1));
    return last;
  };

  /** What the server knows as selected is marked as such, so that unticking it and sending the form takes it away. */
  const markListed = () => {
    const selected = new Set([...list.querySelectorAll('button[name=remove]')].map((button) => button.value));
    for (const box of form.querySelectorAll('input[name=item]')) {
      const cell = box.parentElement;
      const mark = cell.querySelector('input[name=listed]');
      if (selected.has(box.value) && !mark) {
        const input = document.createElement('input');
        input.type = 'hidden';
        input.name = 'listed';
        input.value = box.value;
        cell.append(input);
      } else if (!selected.has(box.value)) mark?.remove();
    }
  };

  const add = panel.dataset.add;
  const remove = panel.dataset.remove;
  // What is chosen and typed beside the selection stands outside the form; it goes along with every change.
  document.addEventListener('change', ({ target }) => {
    const { form: owner, name, checked, value } = target;
    if (owner !== form) return;
    if (name === 'item') void queue(checked ? add : remove, [[checked ? 'item' : 'remove', value]]);
    else if (panel.contains(target)) void queue(add, []);
  });

  // Buttons of the panel stand outside the form; they belong to it by their form attribute.
  form.addEventListener('submit', (event) => {
    if (pending > 0) {
      event.preventDefault();
      const { submitter } = event;
      // A button of the list may have been drawn anew meanwhile.
      const again = () =>
        submitter?.isConnected
          ? submitter
          : [...list.querySelectorAll('button')].find(
              (button) => button.formAction === submitter?.formAction && button.value === submitter?.value,
            );
      void last.then(() => {
        const button = submitter && again();
        if (button || !submitter) form.requestSubmit(button);
      });
      return;
    }
    if (event.submitter?.name !== 'remove' || failed) return;
    event.preventDefault();
    const { value } = event.submitter;
    for (const box of form.querySelectorAll('input[name=item]')) if (box.value === value) box.checked = false;
    void queue(remove, [['remove', value]]).then(() => {
      if (failed) form.submit();
      else panel.querySelector('button[name=remove], [name=category]')?.focus();
    });
  });

  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href]');
    if (!link || pending === 0 || link.target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void last.then(() => (location.href = link.href));
  });

  const several = (boxes, checked) =>
    queue(
      checked ? add : remove,
      boxes.map((box) => [checked ? 'item' : 'remove', box.value]),
    );
  form.addEventListener('tick', ({ detail }) => void several(detail.boxes, detail.checked));
  tickAll(form, several);
}

/** A box in the table's head that ticks all rows; half-ticked while some are. */
function tickAll(form, changed) {
  for (const table of form.querySelectorAll('.table--items:not(.table--roots)')) {
    const head = table.querySelector('thead .cell-tick');
    const boxes = [...table.querySelectorAll('input[name=item]:not(:disabled)')];
    if (!head || boxes.length < 2) continue;
    const all = document.createElement('input');
    all.type = 'checkbox';
    all.setAttribute('aria-label', 'Select all on this page');
    const reflect = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
    };
    all.addEventListener('change', () => {
      const others = boxes.filter((box) => box.checked !== all.checked);
      for (const box of others) box.checked = all.checked;
      if (others.length > 0) changed(others, all.checked);
    });
    for (const event of ['change', 'tick']) form.addEventListener(event, reflect);
    head.replaceChildren(all);
    reflect();
  }
}

/** As server/format.ts has it: units of 1,000. */
function formatBytes(bytes) {
  if (bytes < 1000) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  return `${value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)} ${units[unit]}`;
}

/** Follows an import: counts, bar and rows change in place. */
function followImport() {
  const page = document.querySelector('[data-import-events]');
  if (!page || typeof EventSource === 'undefined') return;
  const rows = page.querySelector('[data-import-rows]');
  const template = page.querySelector('[data-import-template]');
  const labels = Object.fromEntries(
    [...page.querySelectorAll('[data-state-label]')].map((label) => [label.dataset.stateLabel, label.value]),
  );
  const stageLabels = Object.fromEntries(
    [...page.querySelectorAll('[data-stage-label]')].map((label) => [label.dataset.stageLabel, label.value]),
  );
  const byId = new Map([...rows.querySelectorAll('[data-item]')].map((row) => [row.dataset.item, row]));
  const PAGE = 100;

  /** What is asked of the reader, and how it ended where nothing came of it or the figures are wrong, is the server's to say. */
  const needsServer = ({ kind, held, status, counts, outcome, mismatch }) =>
    outcome !== undefined ||
    mismatch !== undefined ||
    held !== 'importHeld' in page.dataset ||
    (kind === 'sync' && status !== 'running' && (counts.total === 0 || status === 'failed'));

  /** The bar and the sum, as server/routes/import-progress-view.ts has them. */
  const showBar = (counts) => {
    const parts = [];
    let before = 0;
    for (const part of page.querySelectorAll('[data-bar]')) {
      const count = counts[part.dataset.bar] ?? 0;
      part.setAttribute('x', (before * 1000) / (counts.total || 1));
      part.setAttribute('width', (count * 1000) / (counts.total || 1));
      before += count;
      if (count > 0) parts.push(`${inNumbers.format(count)} ${labels[part.dataset.bar].toLowerCase()}`);
    }
    page.querySelector('[data-import-sum]').textContent =
      counts.total === 0
        ? ''
        : `${inNumbers.format(counts.total)} ${page.dataset.importKind === 'sync' ? 'met' : 'listed'} = ${parts.join(' + ')}`;
  };

  const timeLeft = (seconds) => {
    if (seconds < 45) return 'Less than a minute left';
    const minutes = Math.round(seconds / 60);
    if (minutes <= 1) return 'About a minute left';
    return minutes < 90 ? `About ${minutes} minutes left` : `About ${plural(Math.round(minutes / 60), 'hour')} left`;
  };

  /** Pace, what is in work, and the pause that a vendor asks for. */
  const showWork = ({ stages, ratePerMinute, bytesPerSecond, etaSeconds, current, throttledUntil, throttledBy }) => {
    const bytes = bytesPerSecond > 0 ? `, ${formatBytes(bytesPerSecond)} a second` : '';
    page.querySelector('[data-import-pace]').textContent =
      ratePerMinute === 0
        ? ''
        : `${plural(ratePerMinute, 'item')} a minute${bytes}.${etaSeconds === null ? '' : ` ${timeLeft(etaSeconds)}.`}`;
    const busy = Object.keys(stageLabels).filter((stage) => stages[stage] > 0);
    page.querySelector('[data-import-work]').hidden = busy.length === 0;
    page.querySelector('[data-import-stages]').textContent = busy
      .map((stage) => `${inNumbers.format(stages[stage])} ${stageLabels[stage].toLowerCase()}`)
      .join(', ');
    page.querySelector('[data-import-current]').replaceChildren(
      ...current.map(({ name, stage }) => {
        const line = document.createElement('li');
        for (const [part, text] of [
          ['stage', stageLabels[stage] ?? stage],
          ['name', name],
        ]) {
          const span = document.createElement('span');
          span.className = `in-work__${part}`;
          span.textContent = text;
          line.append(span, ' ');
        }
        return line;
      }),
    );
    const notice = page.querySelector('[data-import-throttle]');
    if (throttledUntil) {
      const time = notice.querySelector('time');
      notice.querySelector('[data-throttle-by]').textContent = throttledBy;
      time.dateTime = throttledUntil;
      time.textContent = inLocalTime.format(new Date(throttledUntil));
    }
    notice.hidden = !throttledUntil;
  };

  const showProgress = ({ counts, foldersWaiting, progress }) => {
    const done = counts.total - counts.waiting - counts.running;
    // A sync that has found nothing says so in words of the server's.
    const text =
      page.dataset.importKind === 'sync' && counts.total === 0
        ? undefined
        : `${inNumbers.format(done)} of ${plural(counts.total, 'item')} done`;
    const label = page.querySelector('[data-import-progress-text]');
    if (text && label.textContent !== text) label.textContent = text;
    const bar = page.querySelector('#import-progress');
    bar.max = counts.total || 1;
    bar.value = done;
    showBar(counts);
    page.querySelector('[data-import-folders]').textContent =
      foldersWaiting === 0
        ? ''
        : `${plural(foldersWaiting, 'folder')} ${foldersWaiting === 1 ? 'is' : 'are'} still being listed, so the total grows.`;
    if (progress) showWork(progress);
    for (const count of page.querySelectorAll('[data-count]'))
      count.textContent = inNumbers.format(counts[count.dataset.count] ?? 0);
  };

  /** The drawings are the server's; they are fetched again from time to time. */
  let drawnAt = 0;
  const showCharts = async (isEnd) => {
    if (!isEnd && Date.now() - drawnAt < 5000) return;
    drawnAt = Date.now();
    const response = await fetch(location.href, { credentials: 'same-origin' }).catch(() => undefined);
    if (!response?.ok) return;
    const fresh = new window.DOMParser().parseFromString(await response.text(), 'text/html');
    const charts = fresh.querySelector('[data-import-charts]');
    const old = page.querySelector('[data-import-charts]');
    if (!charts || !old) return;
    const focused = [...old.querySelectorAll('a')].indexOf(document.activeElement);
    old.replaceWith(charts);
    charts.querySelectorAll('a')[focused]?.focus();
  };

  const badge = (kind, text) => {
    const span = document.createElement('span');
    span.className = `badge badge--${kind}`;
    span.textContent = text;
    return span;
  };

  const showItem = (item) => {
    let row = byId.get(item.id);
    if (!row) {
      const { filter, lastPage } = rows.dataset;
      if (lastPage !== 'true' || byId.size >= PAGE || (filter && filter !== item.status)) return;
      row = template.content.firstElementChild.cloneNode(true);
      row.dataset.item = item.id;
      byId.set(item.id, row);
      rows.append(row);
      page.querySelector('[data-import-table]').hidden = false;
      page.querySelector('[data-import-empty]').hidden = true;
      page.querySelector('[data-import-tools]').hidden = false;
    }
    const cell = (name) => row.querySelector(`[data-cell=${name}]`);
    const name = document.createElement(item.documentId ? 'a' : 'span');
    name.textContent = item.name;
    if (item.documentId) name.href = `/admin/documents/${item.documentId}`;
    cell('name').replaceChildren(name);
    cell('path').textContent = item.path;
    cell('twin').hidden = !item.sameContentAs;
    if (item.sameContentAs) {
      const twin = cell('twin').querySelector('a');
      twin.textContent = item.sameContentAs.title;
      twin.href = `/admin/documents/${item.sameContentAs.id}`;
    }
    const retry = cell('retry');
    retry.value = item.id;
    retry.setAttribute('aria-label', `Try ${item.name} again`);
    retry.hidden = item.status !== 'failed';
    cell('state').replaceChildren(badge(item.status, labels[item.status] ?? item.status));
    cell('reason').textContent = item.reason ?? '';
    cell('size').textContent = item.sizeBytes === undefined ? '' : formatBytes(item.sizeBytes);
    cell('chunks').textContent = item.chunkCount === undefined ? '' : inNumbers.format(item.chunkCount);
  };

  const showEnd = (summary) => {
    // A selected folder's own row has given way to the rows of its files.
    for (const open of rows.querySelectorAll('.badge--waiting, .badge--running')) open.closest('[data-item]').remove();
    const texts = { finished: 'Finished', cancelled: 'Cancelled', failed: 'Failed', running: 'Running' };
    page
      .querySelector('[data-import-status]')
      .replaceChildren(badge(summary.status, texts[summary.status] ?? summary.status));
    page.querySelector('[data-import-cancel]')?.remove();
    for (const part of ['pace', 'work', 'throttle']) page.querySelector(`[data-import-${part}]`)?.remove();
    const finished = page.querySelector('[data-import-finished]');
    if (finished && summary.finishedAt)
      finished.textContent = `, finished ${inLocalTime.format(new Date(summary.finishedAt))}`;
    const { failed } = summary.counts;
    if (failed > 0) {
      page.querySelector('[data-import-retryable]').textContent = plural(failed, 'failed item');
      page.querySelector('[data-import-retry]').hidden = false;
    }
  };

  const events = new EventSource(page.dataset.importEvents);
  events.addEventListener('progress', (event) => {
    const summary = JSON.parse(event.data);
    if (needsServer(summary)) return location.reload();
    showProgress(summary);
    void showCharts(false);
  });
  events.addEventListener('item', (event) => showItem(JSON.parse(event.data)));
  events.addEventListener('done', (event) => {
    events.close();
    const summary = JSON.parse(event.data);
    if (needsServer(summary)) return location.reload();
    showProgress(summary);
    showEnd(summary);
    void showCharts(true);
  });
}

localizeTimes(document);
// A part that came after the page.
document.addEventListener('part', ({ detail }) => localizeTimes(detail));
focusWhatMatters();
closeMenusOutside();
offerCopying();
offerTickingAll();
keepSelection();
followImport();
