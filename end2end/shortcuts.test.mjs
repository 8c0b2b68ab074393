// The command palette, shortcuts of one letter and their sheet, the switch that turns them off; and times in the reader's zone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awake, pathOf, startConsole, webhook } from './console.mjs';
import { VARIANTS, accessibilityFindings, until } from './util.mjs';

let tested, action, execution, event;
before(async () => {
  tested = await startConsole();
  const { service, sink } = tested;
  action = await service.call('POST', '/event-actions', webhook(`${sink.url}/a`, { name: 'Tell the warehouse', tenant_id: 'default' }));
  await service.call('POST', '/event-actions', webhook(`${sink.url}/b`, { name: 'Thank the customer', tenant_id: 'default', event_types: ['user.created'] }));
  await service.call('POST', '/tenants', { id: 'north', name: 'North' });
  await service.call('POST', '/event-actions', webhook(`${sink.url}/c`, { name: 'Tell the north', tenant_id: 'north' }));
  event = (await service.call('POST', '/events', { event_type: 'order.paid', data: { total: 5 }, metadata: { tenant_id: 'default' } })).event_id;
  execution = (await until('it ran', async () => {
    const { items } = await service.call('GET', '/executions?status=succeeded');
    return items.find((x) => x.action_id === action.id);
  })).id;
});
after(() => tested?.stop());

const palette = (page) => page.getByRole('dialog', { name: 'Command palette' });
const box = (page) => palette(page).getByRole('combobox');
const options = (page) => palette(page).getByRole('option');
const arrive = (page, path) => page.waitForURL((url) => url.pathname === path);
const at = (page, where) => tested.open(page, where);
const focusedText = (page) => page.evaluate(() => document.activeElement.textContent.trim());

/** Opens the palette by its keys and types. */
async function ask(page, text) {
  await page.keyboard.press('Control+k');
  await box(page).waitFor();
  await box(page).fill(text);
}

test('the palette finds pages, commands, actions by name, executions and events by id', () =>
  tested.inPage('palette', async (page) => {
    await at(page, '/audit');
    await ask(page, 'dead l');
    assert.equal(await options(page).first().innerText().then((text) => text.split('\n')[0].trim()), 'Dead letters');
    await page.keyboard.press('Enter');
    await arrive(page, '/dead-letters');

    await ask(page, 'warehouse');
    await options(page).filter({ hasText: 'Tell the warehouse' }).waitFor();
    assert.match(await palette(page).getByRole('status').innerText(), /^1 result$/);
    await page.keyboard.press('Enter');
    await arrive(page, `/actions/${action.id}`);

    for (const [id, path] of [[execution, `/executions/${execution}`], [event.slice(-8), `/events/${event}`]]) {
      await ask(page, id);
      await options(page).filter({ hasText: id }).first().waitFor();
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.pathname === path);
    }

    await ask(page, 'send a test');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/events\?send=1$/);

    await ask(page, 'light and dark');
    await Promise.all([page.waitForEvent('framenavigated'), page.keyboard.press('Enter')]);
    await until('the theme is another', async () => (await page.locator('html').getAttribute('data-theme')) === 'dark');
  }));

test('it is a combobox in a dialog: arrows choose, Escape closes, the focus comes back', () =>
  tested.inPage('palette-keys', async (page) => {
    await at(page, '/settings');
    await page.focus('#f-name');
    await ask(page, '');
    const chosen = () => box(page).evaluate((input) => document.getElementById(input.getAttribute('aria-activedescendant')).textContent.trim());
    const first = await chosen();
    await page.keyboard.press('ArrowDown');
    const second = await chosen();
    assert.notEqual(second, first);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    assert.notEqual(await chosen(), first, 'round to the last');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'combobox', 'the page behind is out of reach');
    await page.keyboard.press('Escape');
    await palette(page).waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement.id), 'f-name');
    await ask(page, 'no such thing');
    await palette(page).getByText('Nothing is called like this.').waitFor();
    assert.equal(await palette(page).getByRole('status').innerText(), '0 results');
  }));

test('another tenant\'s things are not found', async () => {
  const { service, browser } = tested;
  const url = (q) => `${service.url}/palette?q=${encodeURIComponent(q)}`;
  assert.equal((await fetch(url('tell'))).status, 401, 'nobody');
  const invited = await service.call('POST', '/users', { email: 'nils@example.com', role: 'admin', tenant_id: 'north' });
  const context = await browser.newContext();
  try {
    const form = { token: new URL(invited.link).searchParams.get('token'), name: 'Nils', password: 'another horse battery' };
    await context.request.post(`${service.url}/invitation`, { form, headers: { origin: service.url } });
    const found = async (q) => (await (await context.request.get(url(q))).json()).map((one) => one.text);
    assert.deepEqual(await found('tell'), ['Tell the north']);
    for (const q of [execution, event, event.slice(-8), action.id]) assert.deepEqual(await found(q), [], q);
  } finally {
    await context.close();
  }
});

test('letters lead to pages, move in lists, open, filter and begin; never while one types', () =>
  tested.inPage('letters', async (page) => {
    await at(page, '/settings');
    for (const [keys, path] of [['ga', '/actions'], ['ge', '/events'], ['gx', '/executions'], ['gd', '/dead-letters'], ['gb', '/bulk'], ['go', '/']]) {
      await page.keyboard.type(keys);
      await arrive(page, path);
      await awake(page);
    }
    await page.keyboard.type('ga');
    await arrive(page, '/actions');
    await awake(page);
    const rows = await page.locator('tbody th[scope=row] a').allInnerTexts();
    assert.equal(rows.length >= 2, true);
    await page.keyboard.press('j');
    assert.equal(await focusedText(page), rows[0]);
    await page.keyboard.press('j');
    assert.equal(await focusedText(page), rows[1]);
    await page.keyboard.press('k');
    assert.equal(await focusedText(page), rows[0]);
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.closest('form[role=search]') !== null), true);
    await page.keyboard.type('gajk?n/');
    assert.equal(await page.evaluate(() => document.activeElement.value), 'gajk?n/', 'typed, not obeyed');
    assert.equal(pathOf(page), '/actions');
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/actions\/[0-9a-f-]{36}$/);
    await page.keyboard.press('n');
    await arrive(page, '/actions/new');
  }));

test('the sheet tells them; the switch in the settings turns them off, the palette stays', () =>
  tested.inPage('sheet', async (page) => {
    await at(page, '/audit');
    await page.keyboard.press('?');
    const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await sheet.waitFor();
    assert.match(await sheet.innerText(), /Command palette.*Executions/s);
    await sheet.getByRole('link', { name: 'Switch them off' }).click();
    await arrive(page, '/settings');
    await Promise.all([page.waitForEvent('framenavigated'), page.getByRole('group', { name: 'Shortcuts of one letter' }).getByRole('button', { name: 'Off' }).click()]);
    await awake(page);
    for (const keys of ['?', 'ga', 'j']) await page.keyboard.type(keys);
    await page.waitForTimeout(300);
    assert.deepEqual([pathOf(page), await sheet.count()], ['/settings', 0]);
    await ask(page, 'shortcuts');
    await page.keyboard.press('Enter');
    assert.match(await sheet.innerText(), /switched off/);
    await sheet.getByRole('button', { name: 'Close' }).click();
    await Promise.all([page.waitForEvent('framenavigated'), page.getByRole('group', { name: 'Shortcuts of one letter' }).getByRole('button', { name: 'On' }).click()]);
    await awake(page);
    await page.keyboard.type('ga');
    await arrive(page, '/actions');
  }));

test('palette and sheet are accessible in every size and scheme', () =>
  tested.inPage('palette-axe', async (page) => {
    await at(page, '/audit');
    for (const { width, height, colorScheme } of VARIANTS) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await ask(page, 'a');
      assert.deepEqual(await accessibilityFindings(page), [], `palette ${width} ${colorScheme}`);
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      assert.deepEqual(await accessibilityFindings(page), [], `sheet ${width} ${colorScheme}`);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(over, 0, `sideways ${width} ${colorScheme}`);
      await page.keyboard.press('Escape');
    }
  }));

test('times follow the browser, until a zone is chosen', () =>
  tested.inPage('zone', async (page) => {
    const title = () => page.locator('main time').first().getAttribute('title');
    await at(page, '/audit');
    await at(page, '/executions');
    assert.match(await title(), / UTC\+05:45$/, 'the second page knows the browser');
    assert.match(await page.locator('main').innerText(), /Times in Asia\/Kath?mandu/);
    await at(page, '/settings');
    await page.selectOption('#set-tz', 'America/St_Johns');
    await Promise.all([page.waitForEvent('framenavigated'), page.locator('form', { has: page.locator('#set-tz') }).getByRole('button', { name: 'Set' }).click()]);
    await at(page, '/executions');
    assert.match(await title(), / UTC-0[23]:30$/);
    await at(page, '/settings');
    await page.selectOption('#set-tz', 'browser');
    await Promise.all([page.waitForEvent('framenavigated'), page.locator('form', { has: page.locator('#set-tz') }).getByRole('button', { name: 'Set' }).click()]);
    await at(page, '/executions');
    assert.match(await title(), / UTC\+05:45$/);
  }, { timezoneId: 'Asia/Kathmandu' }));
