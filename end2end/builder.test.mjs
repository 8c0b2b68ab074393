// The condition builder and the test panel, part by part: what is typed, what is said of it, and what comes of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { awake, startConsole, verdict, webhook } from './console.mjs';
import { accessibilityFindings, until } from './util.mjs';

let tested;
const ORDERS = [
  { total: 20, country: 'SE', paid: true, at: '2026-01-31T12:00:00Z', lines: [{ sku: 'A' }], zone: '20' },
  { total: 140, country: 'NO', paid: false, at: '2026-02-01T12:00:00Z', lines: [], zone: '20' },
  { total: 300, country: 'SE', paid: true, at: '2026-02-02T12:00:00Z', lines: [{ sku: 'B' }], zone: '7' },
  { total: 80, country: 'FI', paid: true, at: '2026-02-03T12:00:00Z', lines: [{ sku: 'A' }], zone: '20', gift: 'yes' },
];

before(async () => {
  tested = await startConsole();
  for (const [n, data] of ORDERS.entries()) await tested.service.call('POST', '/events', { event_type: 'order.paid', aggregate_id: `SO-${n}`, data, metadata: { region: 'eu' } });
});
after(() => tested?.stop());

const row = (page, n) => page.locator('#f-conditions .cond').nth(n);
const says = (page, n) => row(page, n).locator(':scope > .verdict');
const state = (page, n, word) => says(page, n).locator('.v', { hasText: word }).waitFor();
const foot = (page) => page.locator('#f-conditions > div > .cond-foot');
const announced = (page, text) => page.locator('[role="status"]', { hasText: text }).first().waitFor({ state: 'attached' });
const operators = (page, n) => row(page, n).locator('select.op option:not([hidden])').allInnerTexts();

/** A new action that listens to order.paid, with as many empty conditions. */
async function editor(page, conditions = 0) {
  await tested.open(page, '/actions/new');
  await page.fill('#f-event_types', 'order.paid');
  await page.press('#f-event_types', 'Enter');
  await page.fill('#f-name', 'Drafted');
  await page.fill('#f-configuration-url', `${tested.sink.url}/x`);
  await verdict(page, /Would run\.\s+Every gate passes/);
  for (let n = 0; n < conditions; n++) await foot(page).getByRole('button', { name: 'Condition', exact: true }).click();
}

async function fill(page, n, field, operator, value) {
  await row(page, n).locator('.fld input').fill(field);
  if (operator) await row(page, n).locator('select.op').selectOption({ label: operator });
  if (value !== undefined) await row(page, n).locator('input.val').fill(value);
}

test('row and panel agree on what is not complete, and name the field', () =>
  tested.inPage('builder-incomplete', async (page) => {
    await editor(page, 1);
    await verdict(page, /Not complete yet:\s+condition 1: choose a field\./);
    await state(page, 0, 'Cannot tell');
    await fill(page, 0, 'data.total', 'more than');
    await verdict(page, /Not complete yet:\s+condition 1, data\.total: enter a value\./);
    assert.match(await says(page, 0).innerText(), /Cannot tell\s+not complete: enter a value/);
    assert.equal(await page.getByText('must equal null').count(), 0);
    assert.equal(await says(page, 0).getByText('of recent pass').count(), 0, 'no share of what cannot be told');
    // A pattern that cannot be read is told, too, and is no verdict.
    await row(page, 0).locator('.fld input').fill('data.country');
    await row(page, 0).locator('select.op').selectOption({ label: 'matches' });
    await row(page, 0).locator('input.val').fill('^(S');
    await verdict(page, /Not complete yet:\s+condition 1, data\.country: The pattern cannot be read/);
    await row(page, 0).locator('input.val').fill('^(S|F)');
    await state(page, 0, 'Pass');
    await verdict(page, /Would run\./);
  }));

test('a field that the sample lacks fails as in production, and the row says so', () =>
  tested.inPage('builder-missing', async (page) => {
    await editor(page, 1);
    await page.getByRole('button', { name: 'Older event' }).click();
    await fill(page, 0, 'data.gift', 'equals', 'yes');
    await state(page, 0, 'Fail');
    assert.match(await says(page, 0).innerText(), /missing: the sample has no such field, seen in 25 % of recent events; it must equal the string "yes"/);
    await verdict(page, /Would not run:\s+Condition 1: data\.gift is missing; it must equal the string "yes"/);
    await row(page, 0).locator('select.op').selectOption({ label: 'does not exist' });
    await state(page, 0, 'Pass');
  }));

test('the row lives on while its field is typed: focus, list of offers, operators by type', () =>
  tested.inPage('builder-row', async (page) => {
    await editor(page, 1);
    assert.equal((await operators(page, 0)).length, 16, 'all operators while the type is not known');
    await row(page, 0).locator('.fld input').click();
    await page.keyboard.type('data.total');
    assert.equal(await page.evaluate(() => document.activeElement.value), 'data.total', 'the focus stays while a known path is typed');
    assert.ok(await page.getByRole('option', { name: 'data.total' }).isVisible(), 'and so does the list');
    assert.match(await page.getByRole('option', { name: 'data.total' }).innerText(), /number.*seen 100 %/s);
    await page.keyboard.press('Escape');
    assert.ok((await operators(page, 0)).includes('between') && !(await operators(page, 0)).includes('starts with'));
    await page.keyboard.press('Tab');
    await page.locator('select.op').selectOption({ label: 'at least' });
    await row(page, 0).locator('input.val').fill('100');
    await row(page, 0).locator('.fld input').fill('data.zone');
    await until('the operator goes with the type', async () => !(await operators(page, 0)).includes('at least'));
    await row(page, 0).locator('.fld input').fill('data.paid');
    await row(page, 0).getByRole('group', { name: 'Condition 1 value' }).getByRole('button', { name: 'true' }).waitFor();
    // A value that fits stays when the field changes.
    await row(page, 0).locator('.fld input').fill('data.country');
    await row(page, 0).locator('input.val').fill('SE');
    await row(page, 0).locator('.fld input').fill('data.zone');
    assert.equal(await row(page, 0).locator('input.val').inputValue(), 'SE');
    await row(page, 0).locator('.fld input').fill('data.totl');
    await row(page, 0).getByText('Did you mean data.total?').waitFor();
  }));

test('typed editors: chips, two bounds, true and false, none', () =>
  tested.inPage('builder-values', async (page) => {
    await editor(page, 1);
    await fill(page, 0, 'data.country', 'one of');
    await verdict(page, /add at least one value/);
    const input = row(page, 0).locator('.chips input');
    const chips = () => row(page, 0).locator('.chip').allInnerTexts();
    await input.click();
    await page.keyboard.type('SE');
    await page.keyboard.press('Enter');
    await page.keyboard.type('NO,');
    await until('Enter and comma add', async () => (await chips()).join() === 'SE,NO');
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData('text/plain', 'DK; IS\nFI, NO');
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    });
    await until('a paste is split, doubles left out', async () => (await chips()).join() === 'SE,NO,DK,IS,FI');
    assert.ok(await page.evaluate(() => document.activeElement.matches('.chips input')), 'the focus stays');
    await page.keyboard.press('Backspace');
    await row(page, 0).locator('.chip.is-armed', { hasText: 'FI' }).waitFor();
    assert.equal((await chips()).length, 5, 'the first Backspace only selects');
    await page.keyboard.press('Backspace');
    await until('the second deletes', async () => (await chips()).join() === 'SE,NO,DK,IS');
    await state(page, 0, 'Fail');

    await row(page, 0).locator('.fld input').fill('data.total');
    await row(page, 0).locator('select.op').selectOption({ label: 'between' });
    await row(page, 0).getByRole('textbox', { name: 'Condition 1 lower bound' }).fill('50');
    await verdict(page, /enter both bounds/);
    await row(page, 0).getByRole('textbox', { name: 'Condition 1 upper bound' }).fill('90');
    await state(page, 0, 'Pass');
    await row(page, 0).getByRole('textbox', { name: 'Condition 1 upper bound' }).fill('10');
    await verdict(page, /the first is greater than the second/);
    await row(page, 0).locator('select.op').selectOption({ label: 'exists' });
    await row(page, 0).getByText('needs no value').waitFor();
    await state(page, 0, 'Pass');
  }));

test('rows say how many recent events pass; the most selective goes first; copies, mutes, undo and redo', () =>
  tested.inPage('builder-rows', async (page) => {
    await editor(page, 2);
    await fill(page, 0, 'data.paid', 'exists');
    await fill(page, 1, 'data.total', 'more than', '100');
    await says(page, 0).getByText('100 % of recent pass').waitFor();
    await says(page, 1).getByText('50 % of recent pass').waitFor();
    await foot(page).getByRole('button', { name: 'Most selective first' }).click();
    const fields = () => page.locator('#f-conditions .cond .fld input').evaluateAll((all) => all.map((i) => i.value));
    await until('sorted', async () => (await fields()).join() === 'data.total,data.paid');
    await announced(page, 'Sorted');

    await row(page, 0).getByRole('button', { name: 'Duplicate condition 1' }).click();
    await until('copied', async () => (await fields()).join() === 'data.total,data.total,data.paid');
    await row(page, 1).getByRole('button', { name: 'Mute condition 2' }).click();
    await state(page, 1, 'Muted');
    await page.getByText('1 muted condition is left out of tests, and of what is saved.').waitFor();
    await until('the focus stays on the button', () => page.evaluate(() => document.activeElement?.dataset.do === 'mute'));
    await row(page, 0).getByRole('button', { name: 'Delete condition 1' }).click();
    await until('deleted', async () => (await fields()).join() === 'data.total,data.paid');
    for (let n = 0; n < 3; n++) await page.keyboard.press('Control+z');
    await until('three steps back', async () => (await fields()).join() === 'data.total,data.paid' && (await row(page, 0).locator('.v').innerText()) !== 'Muted');
    for (let n = 0; n < 3; n++) await page.keyboard.press('Control+Shift+Z');
    await state(page, 0, 'Muted');
    // Fifty steps, no more.
    for (let n = 0; n < 60; n++) await row(page, 1).getByRole('button', { name: /^(Mute|Take in again) condition 2$/ }).click();
    let steps = 0;
    while (await page.getByRole('button', { name: 'Undo, Ctrl+Z' }).isEnabled()) {
      await page.keyboard.press('Control+z');
      steps += 1;
    }
    assert.equal(steps, 50);
  }));

test('groups nest four deep, an empty one passes, and JSON is the same conditions', () =>
  tested.inPage('builder-groups', async (page) => {
    await editor(page, 0);
    let at = foot(page);
    for (let depth = 1; depth <= 4; depth++) {
      await at.getByRole('button', { name: 'Group', exact: true }).click();
      at = page.locator('.cgroup').nth(depth - 1).locator(':scope > .in > .cond-foot');
    }
    assert.ok(await at.getByRole('button', { name: 'Group', exact: true }).isDisabled(), 'no fifth level');
    await page.locator('.cgroup').nth(3).getByText('The group is empty, so it passes.').waitFor();
    await at.getByRole('button', { name: 'Condition', exact: true }).click();
    await fill(page, 0, 'data.country', 'equals', 'FI');
    await state(page, 0, 'Pass');
    await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'JSON' }).click();
    const json = page.locator('#conditions-json');
    const deep = [{ any: [{ any: [{ any: [{ any: [{ field: 'data.country', operator: 'equals', value: 'FI' }] }] }] }] }];
    assert.deepEqual(JSON.parse(await json.inputValue()), deep);
    await json.fill('[\n  {"field": "data.country", "operator": "equal", "value": "FI"}\n]');
    await page.locator('#conditions-json-m', { hasText: /Line 2, 0\.operator: Unknown/ }).waitFor();
    await page.getByText('The builder keeps the conditions as they were until this is mended.').waitFor();
    await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'Builder' }).click();
    assert.equal(await row(page, 0).locator('input.val').inputValue(), 'FI');
    await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'JSON' }).click();
    await json.fill('[{"field": "n", "operator": "in", "value": [1, "1", null, 1.5, true]}, {"none": []}]');
    await page.getByRole('group', { name: 'View' }).getByRole('button', { name: 'Builder' }).click();
    await until('chips keep their types', async () => (await row(page, 0).locator('.chip').allInnerTexts()).join('|') === '1|"1"|null|1.5|true');
  }));

test('the panel shows near misses, the context, the tokens left and the count over all events', () =>
  tested.inPage('builder-panel', async (page) => {
    const { service } = tested;
    const made = await service.call('POST', '/event-actions', webhook('https://wms.example/orders', {
      name: 'Limited', tenant_id: 'default', event_types: ['order.*'], rate_limit: { max: 5, per_seconds: 60 }, context_filters: { region: 'us' },
      conditions: [{ field: 'data.total', operator: 'gt', value: 100 }],
    }));
    await tested.open(page, `/actions/${made.id}/edit`);
    await verdict(page, /Would not run:\s+metadata\.region is the string "eu"; the filter needs the string "us"/);
    await page.locator('.gates').getByText('5 of 5 tokens left for 60 s on this node').waitFor({ state: 'attached' });
    await page.getByRole('tab', { name: 'Context' }).click();
    await page.locator('[role="tabpanel"]', { hasText: /region\s*"eu", needs "us"/ }).waitFor();
    await page.getByRole('button', { name: 'Count over the last 1,000 events' }).click();
    const wide = page.locator('#backtest-wide');
    await wide.getByText('0 of the last 4 events would run.').waitFor();
    assert.match(await wide.innerText(), /stop at Context\s*4/);
    await page.getByRole('button', { name: 'Delete Key 1' }).or(page.getByRole('button', { name: 'Delete key 1' })).click();
    await wide.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Count over the last 1,000 events' }).click();
    await wide.getByText('2 of the last 4 events would run.').waitFor();
    assert.match(await wide.locator('a').first().getAttribute('href'), /^\/events\/[0-9a-f-]{36}$/);
    assert.match(await wide.innerText(), /stop at Conditions\s*2/);
    // A pattern that just misses the type says so.
    await page.getByRole('button', { name: 'Remove order.*' }).click();
    await page.fill('#f-event_types', 'orders.*');
    await page.press('#f-event_types', 'Enter');
    await page.getByRole('group', { name: 'Test with' }).getByRole('button', { name: 'JSON' }).click();
    await page.fill('#sample-json', JSON.stringify({ event_type: 'order.paid', data: { total: 200 } }));
    await verdict(page, /"orders\.\*" comes close/);
    await page.getByRole('button', { name: 'Save as sample' }).click();
    await page.getByRole('group', { name: 'Test with' }).getByRole('button', { name: 'Saved' }).click();
    await page.getByRole('button', { name: 'order.paid, sample 1', exact: true }).waitFor();
    assert.deepEqual(await accessibilityFindings(page), []);
  }));

test('a network that goes away during a save loses nothing, and saving is offered again', () =>
  tested.inPage('builder-network', async (page) => {
    await editor(page, 1);
    await fill(page, 0, 'data.total', 'more than', '100');
    await page.fill('#f-description', 'typed with care');
    await page.context().setOffline(true);
    await page.locator('.savebar').getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('heading', { name: 'The server cannot be reached. Nothing was changed' }).waitFor();
    assert.equal(await page.inputValue('#f-description'), 'typed with care');
    assert.equal(await row(page, 0).locator('input.val').inputValue(), '100');
    await until('the draft is kept in this browser', () => page.evaluate(() => Object.keys(localStorage).some((key) => key.startsWith('ea-draft:') && localStorage[key].includes('typed with care'))));
    await page.context().setOffline(false);
    await Promise.all([page.waitForURL((url) => url.searchParams.get('saved') === '1'), page.getByRole('button', { name: 'Try again' }).click()]);
  }, { allowed: [/ERR_INTERNET_DISCONNECTED/, /Failed to fetch/] }));

test('leaving by Back asks', () =>
  tested.inPage('builder-back', async (page) => {
    await tested.open(page, '/actions');
    await page.getByRole('link', { name: 'New action' }).first().click();
    await page.waitForURL('**/actions/new');
    await awake(page);
    await page.fill('#f-name', 'Half done');
    await page.getByText(/Unsaved, draft kept/).waitFor();
    const asked = new Promise((resolve) => page.once('dialog', (dialog) => dialog.dismiss().then(() => resolve(dialog.type()))));
    await page.goBack({ timeout: 3_000 }).catch(() => {});
    assert.equal(await asked, 'beforeunload');
    assert.equal(await page.inputValue('#f-name'), 'Half done', 'and staying keeps what was typed');
  }));
