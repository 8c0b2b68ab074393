// The console's own small script, on every page: tells the server the browser's time zone, opens the command palette (Ctrl+K),
// and obeys shortcuts of one letter. What it offers stands in the page already, as links that work without it.
(() => {
  'use strict';
  const A_YEAR = 31536000;
  const CHORD_MS = 1500;
  const PAUSE_MS = 150;
  const find = (selector, at = document) => at.querySelector(selector);
  const every = (selector, at = document) => [...at.querySelectorAll(selector)];

  // The next page is made in this zone, unless another was chosen in the settings.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.split('; ').includes(`tz_browser=${zone}`)) {
    document.cookie = `tz_browser=${zone}; path=/; max-age=${A_YEAR}; samesite=lax${location.protocol === 'https:' ? '; secure' : ''}`;
  }

  const pages = find('#goto');
  if (!pages) return; // nobody is signed in

  const keysAreOff = document.documentElement.dataset.keys === 'off';
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  for (const key of every('.findbox kbd')) key.textContent = isMac ? '⌘ K' : 'Ctrl K';

  /** An element with attributes and children; texts become text nodes. */
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const keyCaps = (keys) => keys.split(' ').flatMap((key, n) => [n ? ' ' : '', make('kbd', {}, key)]);
  const iconOf = (path) => every('a', pages).find((link) => path.startsWith(link.pathname) && link.pathname !== '/')?.querySelector('svg')?.cloneNode(true) ?? '';

  const switchTheme = () => every('.top button[name="theme"]').find((button) => button.offsetParent)?.click();

  // --- the palette -------------------------------------------------------------------------------------------------------

  let palette, input, list, said, waiting, asked;

  function build() {
    input = make('input', {
      type: 'text', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'palette-list', 'aria-autocomplete': 'list',
      'aria-label': 'Find a page, an action, an id or a command', placeholder: 'Page, action, id or command', autocomplete: 'off', spellcheck: 'false', autofocus: '',
    });
    list = make('div', { class: 'p-list', id: 'palette-list', role: 'listbox', 'aria-label': 'Results' });
    said = make('p', { class: 'sr', role: 'status' });
    const foot = make('div', { class: 'p-foot', 'aria-hidden': 'true' });
    for (const [keys, what] of [['↑ ↓', 'choose'], ['Enter', 'open'], ['Esc', 'close']]) foot.append(make('span', {}, ...keyCaps(keys), ` ${what}`));
    const head = make('div', { class: 'p-in' }, find('.findbox svg')?.cloneNode(true) ?? '', input);
    palette = make('dialog', { class: 'palette', id: 'palette', 'aria-label': 'Command palette' }, head, list, said, foot);
    document.body.append(palette);
    input.addEventListener('input', look);
    input.addEventListener('keydown', choose);
    palette.addEventListener('click', (event) => event.target === palette && palette.close());
    list.addEventListener('click', (event) => {
      const option = event.target.closest('[role=option]');
      if (option && !option.href) run(option);
    });
  }

  /** What can always be chosen: pages and commands by their links, and what only a script does. */
  function standing() {
    const links = every('a', pages).map((link) => ({ group: link.dataset.group, text: link.textContent.trim(), hint: link.dataset.keys, href: link.getAttribute('href'), icon: link.querySelector('svg')?.cloneNode(true) }));
    const own = [
      { group: 'Commands', text: 'Switch between light and dark', icon: find('.top button[name="theme"] svg')?.cloneNode(true), act: switchTheme },
      { group: 'Commands', text: 'Show the keyboard shortcuts', hint: '?', icon: iconOf('/settings'), act: showSheet },
    ];
    return [...links, ...own];
  }

  const acts = new WeakMap();
  const options = () => every('[role=option]', list);
  const chosen = () => find('[aria-selected=true]', list);

  /** Shows what fits the words typed; then what the server knows besides. */
  function look() {
    const typed = input.value.trim();
    const words = typed.toLowerCase().split(/\s+/);
    show(standing().filter(({ text }) => words.every((word) => text.toLowerCase().includes(word))), Boolean(typed));
    clearTimeout(waiting);
    asked?.abort();
    if (!typed) return;
    waiting = setTimeout(async () => {
      asked = new AbortController();
      try {
        const answer = await fetch(`/palette?q=${encodeURIComponent(typed)}`, { signal: asked.signal, headers: { accept: 'application/json' } });
        if (!answer.ok || input.value.trim() !== typed) return;
        add(await answer.json());
        announce();
      } catch (error) {
        if (error.name !== 'AbortError') said.textContent = 'The server cannot be reached; only pages and commands are shown.';
      }
    }, PAUSE_MS);
  }

  function show(items, isAsking) {
    list.replaceChildren();
    add(items);
    if (!isAsking) announce();
  }

  function add(items) {
    find('.p-none', list)?.remove();
    for (const { group, text, hint, href, icon, act } of items) {
      let box = every('[role=group]', list).find((one) => one.getAttribute('aria-label') === group);
      if (!box) {
        box = make('div', { role: 'group', 'aria-label': group }, make('p', { class: 'p-group', role: 'presentation' }, group));
        list.append(box);
      }
      const side = hint ? make('span', { class: 'hintx' }, ...(/^(g .|.)$/.test(hint) ? keyCaps(hint) : [hint])) : '';
      const picture = icon ?? iconOf(href ?? '');
      const option = make(href ? 'a' : 'div', { class: 'p-opt', role: 'option', 'aria-selected': 'false', tabindex: '-1', ...(href ? { href } : {}) }, picture, make('span', { class: 'trunc' }, text), side);
      if (act) acts.set(option, act);
      box.append(option);
    }
    options().forEach((option, n) => (option.id = `palette-${n}`));
    if (!chosen()) select(options()[0]);
  }

  function announce() {
    const count = options().length;
    if (!count) list.replaceChildren(make('p', { class: 'p-none', role: 'presentation' }, 'Nothing is called like this.'));
    said.textContent = count === 1 ? '1 result' : `${count} results`;
  }

  function select(option) {
    chosen()?.setAttribute('aria-selected', 'false');
    if (!option) return input.removeAttribute('aria-activedescendant');
    option.setAttribute('aria-selected', 'true');
    input.setAttribute('aria-activedescendant', option.id);
    option.scrollIntoView({ block: 'nearest' });
  }

  function choose(event) {
    const all = options();
    const at = all.indexOf(chosen());
    if (event.isComposing) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      select(all[(at + (event.key === 'ArrowDown' ? 1 : -1) + all.length) % all.length]);
    } else if (event.key === 'Enter' && at >= 0) {
      run(all[at]);
    } else if (event.key !== 'Tab') {
      return; // Tab stays in the only field; Escape leads out.
    }
    event.preventDefault();
  }

  function run(option) {
    const act = acts.get(option);
    palette.close();
    if (act) act();
    else location.assign(option.href);
  }

  function openPalette() {
    if (!palette) build();
    if (palette.open) return palette.close();
    if (find('dialog[open]')) return;
    pages.hidePopover();
    input.value = '';
    palette.showModal();
    look();
  }

  // Where the script runs, the way to the pages is the palette.
  for (const button of every('[popovertarget="goto"]')) {
    button.setAttribute('aria-haspopup', 'dialog');
    button.addEventListener('click', (event) => {
      event.preventDefault();
      openPalette();
    });
  }

  // --- the sheet of shortcuts --------------------------------------------------------------------------------------------

  let sheet;

  function showSheet() {
    if (!sheet) {
      const line = (keys, what) => make('div', {}, make('dt', {}, ...keyCaps(keys)), make('dd', {}, what));
      const rows = (name, lines) => make('section', {}, make('h3', {}, name), make('dl', { class: 'keys' }, ...lines.map(([keys, what]) => line(keys, what))));
      const go = every('a[data-keys^="g "]', pages).map((link) => [link.dataset.keys, link.textContent.trim()]);
      const here = [[isMac ? '⌘ K' : 'Ctrl K', 'Command palette'], ['?', 'This sheet'], ['j', 'Next in the list'], ['k', 'Previous in the list'], ['Enter', 'Open it'], ['/', 'To the filter'], ['n', 'New']];
      const off = keysAreOff ? 'Shortcuts of one letter are switched off. ' : 'Shortcuts of one letter do nothing while you type. ';
      const note = make('p', { class: 'small muted' }, off, make('a', { href: '/settings#set-keys' }, keysAreOff ? 'Switch them on' : 'Switch them off'));
      const close = make('form', { method: 'dialog', class: 'd-foot' }, make('button', { class: 'btn', autofocus: '' }, 'Close'));
      const body = make('div', { class: 'd-body' }, make('div', { class: 'sheet-cols' }, rows('Anywhere', here), rows('Go to', go)), note);
      sheet = make('dialog', { class: 'dialog sheet', 'aria-labelledby': 'sheet-h' }, make('div', { class: 'd-head' }, make('h2', { id: 'sheet-h' }, 'Keyboard shortcuts')), body, close);
      sheet.addEventListener('click', (event) => event.target === sheet && sheet.close());
      document.body.append(sheet);
    }
    if (!find('dialog[open]')) sheet.showModal();
  }

  // --- shortcuts ---------------------------------------------------------------------------------------------------------

  const TYPING = 'input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable]:not([contenteditable=false]), [role=combobox], [role=textbox], [role=listbox], [role=menu]';
  const rowLinks = () => every('main tbody tr th[scope=row] a, main [data-list] a[data-item]').filter((link, n, all) => link.offsetParent && all.findIndex((other) => rowOf(other) === rowOf(link)) === n);
  const rowOf = (link) => link.closest('tr, [data-row-of]') ?? link;

  function step(by) {
    const links = rowLinks();
    if (!links.length) return false;
    const at = links.findIndex((link) => rowOf(link).contains(document.activeElement));
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
    next.focus({ focusVisible: true });
    next.scrollIntoView({ block: 'nearest' });
    return true;
  }

  function toFilter() {
    const field = every('main form[role=search] :is(input:not([type=hidden]), select)').find((one) => one.offsetParent);
    field?.focus();
    field?.select?.();
    return Boolean(field);
  }

  function toNew() {
    const link = find('main .page-head a[href$="/new"]') ?? find('a[href="/actions/new"]', pages);
    if (link) location.assign(link.href);
    return Boolean(link);
  }

  let chordUntil = 0;
  const ACTS = {
    '?': () => (showSheet(), true),
    '/': toFilter,
    j: () => step(1),
    k: () => step(-1),
    n: toNew,
    g: () => ((chordUntil = Date.now() + CHORD_MS), true),
  };

  function goTo(key) {
    const link = every('a[data-keys]', pages).find((one) => one.dataset.keys === `g ${key}`);
    if (link) location.assign(link.href);
    return Boolean(link);
  }

  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      openPalette();
      return;
    }
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (keysAreOff || !isPlain || event.target.closest?.(TYPING) || find('dialog[open], :popover-open')) return;
    const isChord = Date.now() < chordUntil;
    chordUntil = 0;
    if (isChord ? goTo(event.key) : ACTS[event.key]?.()) event.preventDefault();
  });
})();
