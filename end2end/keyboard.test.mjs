// The editor without a pointer: sign in, find the way, add conditions, reorder, undo and redo, save. Keys alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADMIN, awake, pathOf, startConsole } from './console.mjs';
import { until } from './util.mjs';

/** More stops than any page has. */
const MOST_STOPS = 150;

let tested;
before(async () => (tested = await startConsole()));
after(() => tested?.stop());

/** Presses Tab (or Shift+Tab) until the focus is on what `selector` finds. Every stop on the way must be visible. */
async function tabTo(page, selector, key = 'Tab') {
  for (let stops = 0; stops < MOST_STOPS; stops++) {
    const at = await page.evaluate((wanted) => {
      const element = document.activeElement;
      if (!element || element === document.body) return 'none';
      if (element.matches(wanted)) return 'there';
      const box = element.getBoundingClientRect();
      return box.width > 0 && box.height > 0 ? 'elsewhere' : `unseen: ${element.outerHTML.slice(0, 200)}`;
    }, selector);
    if (at === 'there') return;
    assert.doesNotMatch(at, /^unseen/, `the focus on the way to ${selector}`);
    await page.keyboard.press(key);
  }
  assert.fail(`${key} never comes to ${selector}`);
}

const focused = (page, selector) => page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);
const announced = (page, text) => page.locator('[role="status"]', { hasText: text }).first().waitFor({ state: 'attached' });
const fields = (page) => page.locator('#f-conditions .cond .fld input').evaluateAll((all) => all.map((input) => input.value));
const shows = (page, wanted, why) => until(why, async () => JSON.stringify(await fields(page)) === JSON.stringify(wanted));

/** Follows a link with Enter and waits for its page. */
async function follow(page, selector, pattern) {
  await tabTo(page, selector);
  await Promise.all([page.waitForURL(pattern), page.keyboard.press('Enter')]);
  await awake(page);
}

test('from the sign-in to a saved action by keys alone', () =>
  tested.inPage('keyboard', async (page) => {
    const { service, sink } = tested;
    await service.call('POST', '/events', { event_type: 'order.paid', aggregate_id: 'SO-1', data: { total: 120, country: 'SE' } });

    await page.goto(`${service.url}/login?next=%2Factions`);
    await tabTo(page, '#email');
    await page.keyboard.type(ADMIN.email);
    await tabTo(page, '#password');
    await page.keyboard.type(ADMIN.password);
    await Promise.all([page.waitForURL('**/actions'), page.keyboard.press('Enter')]);
    await awake(page);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content', 'the first stop skips the sidebar');
    await follow(page, 'a[href="/actions/new"]', '**/actions/new');

    await tabTo(page, '#f-event_types');
    await page.keyboard.type('order.paid');
    await page.keyboard.press('Enter');
    await page.locator('.chip', { hasText: 'order.paid' }).waitFor();
    await tabTo(page, '#f-name');
    await page.keyboard.type('Big orders');

    // The first condition: the field from the list of what was seen, the operator by its first letters.
    await tabTo(page, '#f-conditions > div > .cond-foot button:first-child');
    await page.keyboard.press('Enter');
    await focused(page, '#f-conditions .cond .fld input');
    await announced(page, 'Condition 1 added.');
    await page.keyboard.type('tot');
    await page.locator('[role="option"]', { hasText: 'data.total' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await shows(page, ['data.total'], 'Enter takes the offered field');
    await focused(page, '#f-conditions .cond .fld input');
    await page.keyboard.press('Tab');
    await focused(page, 'select.op');
    await page.keyboard.type('more');
    await page.keyboard.press('Tab');
    await focused(page, 'input.val');
    await page.keyboard.type('100');
    await page.locator('.cond .v-pass').waitFor();

    // The second, with its field typed; the list of offers closes by Escape and the text stays.
    await tabTo(page, '#f-conditions > div > .cond-foot button:first-child');
    await page.keyboard.press('Enter');
    await announced(page, 'Condition 2 added.');
    await page.keyboard.type('data.country');
    await page.keyboard.press('Escape');
    await tabTo(page, '.cond:nth-of-type(2) input.val');
    await page.keyboard.type('SE');
    await until('both hold', async () => (await page.locator('.cond .v-pass').count()) === 2);

    // Reorder: the focus stays on what moved.
    await tabTo(page, '.cond:nth-of-type(1) .fld input', 'Shift+Tab');
    await page.keyboard.press('Alt+ArrowDown');
    await announced(page, 'Condition 1 is now 2.');
    await shows(page, ['data.country', 'data.total'], 'Alt+Down moves it down');
    await until('the focus stays on what moved', () => page.evaluate(() => document.activeElement.value === 'data.total'));
    await page.keyboard.press('Alt+ArrowDown');
    await announced(page, '2 cannot move further down.');
    assert.deepEqual(await fields(page), ['data.country', 'data.total']);

    await page.keyboard.press('Control+z');
    await shows(page, ['data.total', 'data.country'], 'undone');
    await announced(page, 'Undone.');
    await page.keyboard.press('Control+Shift+Z');
    await shows(page, ['data.country', 'data.total'], 'redone');
    await announced(page, 'Redone.');

    // A save that is refused leads to the field at fault.
    await page.keyboard.press('Control+s');
    await focused(page, '.summary-bad');
    await tabTo(page, '.summary-bad a');
    await page.keyboard.press('Enter');
    await focused(page, '#f-configuration-url');
    await page.keyboard.type(`${sink.url}/big`);
    await page.locator('.tester .says', { hasText: 'Every gate passes.' }).waitFor();
    await tabTo(page, '.savebar .btn-primary', 'Shift+Tab');
    await Promise.all([page.waitForURL(/\/actions\/[^/]+\?saved=1$/), page.keyboard.press('Enter')]);

    const action = await service.call('GET', `/event-actions/${pathOf(page).split('/')[2]}`);
    assert.equal(action.name, 'Big orders');
    assert.deepEqual(action.conditions, [
      { field: 'data.country', operator: 'equals', value: 'SE' },
      { field: 'data.total', operator: 'gt', value: 100 },
    ]);
  }, { storageState: undefined }));
