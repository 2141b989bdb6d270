/** Enhancement only, for the browser: a tree that opens in place, the keyboard in the list, the preview beside it. */

/** A part of a page of the hub. Errors: when it cannot be had, or the sign-in has ended. */
async function loadPart(href, headers, signal) {
  const response = await fetch(href, { headers, signal, credentials: 'same-origin', redirect: 'error' });
  if (!response.ok) throw new Error(`${href} answered ${response.status}`);
  const part = document.createElement('template');
  part.innerHTML = await response.text();
  return part.content;
}

/** Branches open and close in place; which ones were opened is kept for the tab. */
function growTree() {
  const tree = document.querySelector('[data-tree]');
  const KEPT = 'tree';
  const kept = new Map(JSON.parse(window.sessionStorage.getItem(KEPT) ?? '[]'));
  const linkOf = (item) => item.querySelector(':scope > .tree__link');
  const listOf = (item) => item.querySelector(':scope > ul');
  const hrefOf = (item) => linkOf(item)?.getAttribute('href');
  const isWhole = (list) => list && !('part' in list.dataset) && !list.querySelector(':scope > [data-wait]');

  const note = (text, again) => {
    const item = document.createElement('li');
    item.className = 'tree__note';
    item.append(text);
    if (again) {
      const link = document.createElement('a');
      link.href = again;
      link.dataset.again = '';
      link.textContent = 'Try again';
      item.append(' ', link);
    } else item.dataset.wait = '';
    return item;
  };

  /** Asks for what is in a branch. Those of its folders that stand there already stay as they are. */
  const load = async (item, { href = hrefOf(item), fresh = false } = {}) => {
    const list = listOf(item) ?? item.appendChild(document.createElement('ul'));
    const isNext = href !== hrefOf(item);
    list.setAttribute('aria-busy', 'true');
    for (const line of list.querySelectorAll(':scope > .tree__note')) line.remove();
    list.append(note('Loading…'));
    let lines;
    try {
      const part = await loadPart(href, { 'X-Fragment': 'branch', ...(fresh ? { 'X-Fresh': '1' } : {}) });
      lines = [...part.querySelector('ul').children];
    } catch {
      lines = [note('This part could not be loaded.', href)];
    }
    const known = new Map([...list.children].filter(linkOf).map((line) => [hrefOf(line), line]));
    const drawn = lines.map((line) => known.get(hrefOf(line)) ?? line);
    const others = [...known.values()].filter((line) => !drawn.includes(line));
    list.replaceChildren(...others, ...drawn);
    delete list.dataset.part;
    list.removeAttribute('aria-busy');
    dress(list);
    if (isNext) (linkOf(drawn[0] ?? item) ?? list.querySelector('a'))?.focus();
  };

  const mark = (item, isOpen) => {
    const button = item.querySelector(':scope > button');
    button.setAttribute('aria-expanded', String(isOpen));
    button.textContent = isOpen ? '▾' : '▸';
  };

  const open = (item, isOpen) => {
    mark(item, isOpen);
    const list = listOf(item);
    if (list) list.hidden = !isOpen;
    return isOpen && !isWhole(list) ? load(item) : undefined;
  };

  const dress = (list) => {
    for (const item of list.children) {
      const link = linkOf(item);
      if (!link || 'leaf' in item.dataset || item.querySelector(':scope > button')) continue;
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-label', `Folders in ${link.textContent.trim().replaceAll(/\s+/g, ' ')}`);
      item.prepend(button);
      const below = listOf(item);
      mark(item, Boolean(below));
      if (below) dress(below);
      const wish = kept.get(link.getAttribute('href')) ?? (item.parentElement === accounts || undefined);
      if (wish === false) void open(item, false);
      else if (wish && !isWhole(below)) waiting.push(item);
    }
    // A vendor that is slow to answer must not hold up the others, nor what else the page asks for.
    while (running < 3 && waiting.length > 0) void work();
  };

  const waiting = [];
  let running = 0;
  const work = async () => {
    running += 1;
    for (let item = waiting.shift(); item; item = waiting.shift()) await open(item, true);
    running -= 1;
  };

  tree.addEventListener('click', (event) => {
    const item = event.target.closest('li');
    const button = event.target.closest('button');
    if (button) {
      const isOpen = button.getAttribute('aria-expanded') === 'false';
      kept.set(hrefOf(item), isOpen);
      window.sessionStorage.setItem(KEPT, JSON.stringify([...kept].slice(-50)));
      void open(item, isOpen);
    }
    const link = event.target.closest('a[data-again], a[data-whole], a[data-next]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const above = item.parentElement.closest('li');
    const href = 'next' in link.dataset ? link.getAttribute('href') : undefined;
    void load(above, { href, fresh: 'again' in link.dataset });
    if (!href) above.querySelector('button')?.focus();
  });

  const accounts = tree.querySelector('ul');
  // On a phone the list comes first.
  tree.querySelector('details').open = window.matchMedia('(min-width: 68rem)').matches;
  dress(accounts);
}

/** Arrows move between the rows' boxes; with shift they tick on the way. */
function steerRows(form) {
  const boxes = [...form.querySelectorAll('input[name=item]:not(:disabled)')];
  let anchor;
  let stretched = [];
  const between = (a, b) => boxes.slice(Math.min(a, b), Math.max(a, b) + 1);
  /** Ticks or unticks several at once; app.js keeps it with one request. */
  const tick = (some, checked) => {
    const changed = some.filter((box) => box.checked !== checked);
    for (const box of changed) box.checked = checked;
    if (changed.length > 0) form.dispatchEvent(new window.CustomEvent('tick', { detail: { boxes: changed, checked } }));
    return changed;
  };

  form.addEventListener('click', (event) => {
    const at = boxes.indexOf(event.target);
    if (at < 0) return;
    if (event.shiftKey && anchor !== undefined)
      tick(
        between(anchor, at).filter((box) => box !== event.target),
        event.target.checked,
      );
    anchor = at;
    stretched = [];
  });

  form.addEventListener('keydown', (event) => {
    const at = boxes.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter') {
      // The first button of the form would be pressed.
      event.preventDefault();
      event.target.closest('tr').querySelector('a.item__name, a[data-preview-link]')?.click();
      return;
    }
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: boxes.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const box = boxes[to];
    if (!box) return;
    box.focus();
    if (!event.shiftKey) {
      stretched = [];
      return;
    }
    if (stretched.length === 0) anchor = at;
    const wanted = between(anchor, to);
    tick(
      stretched.filter((one) => !wanted.includes(one)),
      false,
    );
    stretched = [...stretched.filter((one) => wanted.includes(one)), ...tick(wanted, true)];
  });
  form.querySelector('[data-keyboard]').hidden = false;
}

/** Shows a preview beside the list; where there is no room for it, its page opens. */
function previewBeside(pane) {
  const browser = pane.closest('.browser');
  let from;
  let loading;
  const close = () => {
    loading?.abort();
    pane.hidden = true;
    browser.classList.remove('has-preview');
    from?.focus();
  };
  const say = (text) => {
    const line = document.createElement('p');
    line.setAttribute('role', 'status');
    line.textContent = text;
    pane.replaceChildren(line);
  };
  const show = async (link) => {
    if (!pane.contains(link)) from = link;
    loading?.abort();
    loading = new window.AbortController();
    const { signal } = loading;
    pane.hidden = false;
    browser.classList.add('has-preview');
    say('Loading the preview…');
    pane.focus();
    try {
      const part = await loadPart(link.href, { 'X-Fragment': 'preview' }, signal);
      pane.replaceChildren(part);
      document.dispatchEvent(new window.CustomEvent('part', { detail: pane }));
      pane.querySelector('h2').focus();
    } catch {
      if (!signal.aborted) say('The preview could not be loaded. Follow the link once more.');
    }
  };
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-preview-close]')) {
      event.preventDefault();
      return close();
    }
    const link = event.target.closest('a[data-preview-link]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!window.matchMedia('(min-width: 68rem)').matches) return;
    event.preventDefault();
    void show(link);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !pane.hidden) close();
  });
}

growTree();
steerRows(document.getElementById('pick'));
previewBeside(document.querySelector('section[data-preview]'));
