/**
 * Enhancement of the search page: an answer appears as it is written, and can be stopped. Without this file the same address gives the same
 * page, once the answer is whole.
 */

const form = document.querySelector('.search-form');
const live = document.querySelector('[data-ask-live]');
const results = document.querySelector('[data-ask-results]');
const status = live.querySelector('[data-ask-status]');
const text = live.querySelector('[data-ask-text]');
const stop = live.querySelector('[data-ask-stop]');
const said = document.querySelector('[data-ask-said]');
let running;
let shown = location.search;

/** The address of a question's page, as the server makes it of the form. */
function addressOf() {
  const fields = new window.URLSearchParams(new FormData(form));
  const question = fields.get('q').trim();
  for (const name of ['q', 'do', 'mode']) fields.delete(name);
  for (const [name, value] of [...fields]) if (value === '') fields.delete(name);
  fields.set('ask', question);
  return question === '' ? undefined : `${form.getAttribute('action')}?${fields}`;
}

/** Events of a stream. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new window.TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    const parts = buffer.split('\n\n');
    buffer = parts.pop();
    for (const part of parts) {
      const event = /^event: (.*)$/m.exec(part)?.[1];
      const data = /^data: (.*)$/m.exec(part)?.[1];
      if (event && data) yield { event, data: JSON.parse(data) };
    }
  }
}

function show(sentence, busy) {
  status.textContent = sentence;
  live.classList.toggle('answer--busy', busy);
  stop.hidden = !busy;
}

async function ask(address) {
  running?.abort();
  const controller = new window.AbortController();
  running = controller;
  results.replaceChildren();
  text.textContent = '';
  said.textContent = '';
  live.hidden = false;
  show('Looking through your documents…', true);
  let problem;
  try {
    const response = await fetch(address, {
      headers: { accept: 'text/event-stream' },
      signal: controller.signal,
      redirect: 'error',
    });
    // The page itself says what is wrong.
    if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream'))
      return location.assign(address);
    for await (const { event, data } of eventsOf(response)) {
      if (event === 'delta') {
        if (text.textContent === '') show('Answering…', true);
        text.append(data.text);
      } else if (event === 'error') problem = data.detail;
      else if (event === 'done') {
        const stopHadFocus = document.activeElement === stop;
        results.innerHTML = data.html;
        for (const button of results.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;
        live.hidden = true;
        show('', false);
        const heading = results.querySelector('h2');
        const count = results.querySelectorAll('.citation').length;
        said.textContent = `${heading.textContent}: ${count === 1 ? '1 source' : `${count} sources`}.`;
        if (stopHadFocus) heading.focus();
        return;
      }
    }
    show(problem ?? 'The answer broke off. Ask again.', false);
  } catch {
    if (running !== controller) return;
    show(controller.signal.aborted ? 'Stopped.' : 'The answer broke off. Ask again.', false);
  }
}

form.addEventListener('submit', (event) => {
  running?.abort();
  if (event.submitter?.value !== 'ask') return;
  const address = addressOf();
  if (!address) return;
  event.preventDefault();
  window.history.pushState(null, '', address);
  shown = location.search;
  void ask(address);
});
form.elements.q.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector('button[value=ask]'));
});
stop.addEventListener('click', () => running?.abort());
// What was shown before is the server's to show again.
window.addEventListener('popstate', () => {
  if (location.search !== shown) location.reload();
});
