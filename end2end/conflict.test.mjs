// Two people edit one action: whoever saves second sees the difference field by field, decides, and nothing is lost on either side.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ADMIN, pathOf, startConsole, webhook } from './console.mjs';
import { accessibilityFindings, until } from './util.mjs';

const BOB = { email: 'bob@example.com', password: 'another horse battery' };
const BINARY = process.env.EVENT_ACTIONS_BINARY ?? 'target/debug/event-actions';
/** The second save is refused: that is what this is about. */
const REFUSED = { allowed: [/^4(09|12) /, /status of 4(09|12)/] };

let tested, bobsState;
before(async () => {
  tested = await startConsole();
  bobsState = await joins(BOB);
});
after(() => tested?.stop());

/** A second administrator, made as an operator makes one; gives the session. */
async function joins({ email, password }) {
  const { service, browser } = tested;
  await new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, HOME: service.folder, EVENT_ACTIONS_DATA_DIR: path.join(service.folder, 'data') };
    const child = execFile(path.resolve(BINARY), ['create-admin', '--email', email], { cwd: service.folder, env }, (error, out, err) => (error ? reject(new Error(`${out}${err}`, { cause: error })) : resolve()));
    child.stdin.end(`${password}\n`);
  });
  const context = await browser.newContext();
  try {
    const answer = await context.request.post(`${service.url}/login`, { form: { email, password, next: '/actions' }, headers: { origin: service.url } });
    assert.equal(new URL(answer.url()).pathname, '/actions', 'the second person is signed in');
    return await context.storageState();
  } finally {
    await context.close();
  }
}

const save = (page) => page.locator('.savebar').getByRole('button', { name: 'Save', exact: true }).click();
const saved = (page, version) => page.waitForURL((url) => url.searchParams.get('saved') === String(version));
/** A section of the comparison: one field. */
const field = (page, name) => page.locator('#conflict .rule-top').filter({ has: page.getByRole('heading', { name, exact: true }) });
/** Which side is taken for a field: Mine or Theirs. */
const choice = async (page, name) => (await field(page, name).locator('button[aria-pressed="true"]').innerText()).trim();

const make = () =>
  tested.service.call('POST', '/event-actions', webhook('https://wms.example/orders', {
    name: 'Tell the warehouse',
    description: 'first',
    tenant_id: 'default',
    conditions: [{ field: 'data.total', operator: 'gt', value: 100 }],
  }));

test('the second save shows the difference field by field, and both people’s work ends up in the action', async () => {
  const { service, inPage, open } = tested;
  const action = await make();
  const edit = `/actions/${action.id}/edit`;
  await inPage('conflict-second', async (bob) => {
    await open(bob, edit);
    await inPage('conflict-first', async (ada) => {
      await open(ada, edit);
      await ada.fill('#f-name', 'Tell the warehouse now');
      await ada.getByRole('group', { name: 'Priority' }).getByRole('button', { name: 'High' }).click();
      await ada.locator('.cond input.val').fill('250');
      await save(ada);
      await saved(ada, 2);
    });

    await bob.fill('#f-name', 'Tell both warehouses');
    await bob.fill('#f-description', 'second');
    await save(bob);
    const conflict = bob.locator('#conflict');
    await conflict.waitFor();
    assert.match(await conflict.getByRole('heading').first().innerText(), new RegExp(`${ADMIN.email}.* saved version 2 while you were editing`));
    await bob.waitForFunction(() => document.activeElement?.id === 'conflict');
    const names = await conflict.getByRole('heading', { level: 3 }).allInnerTexts();
    assert.deepEqual(names.sort(), ['condition data.total', 'description', 'name', 'priority'], 'each piece that differs, and no other');
    assert.ok(await field(bob, 'name').getByText('both changed it').isVisible());
    for (const only of ['priority', 'description']) assert.equal(await field(bob, only).getByText('both changed it').count(), 0, only);
    for (const text of ['Tell both warehouses', 'Tell the warehouse now']) assert.ok(await field(bob, 'name').getByText(text).isVisible(), text);
    assert.deepEqual([await choice(bob, 'name'), await choice(bob, 'description'), await choice(bob, 'priority')], ['Keep mine', 'Keep mine', 'Take theirs'], 'what only one of them changed is taken');
    assert.deepEqual(await accessibilityFindings(bob), []);
    assert.ok(await bob.locator('.savebar').getByRole('button', { name: 'Save', exact: true }).isDisabled(), 'nothing is saved before all is decided');
    assert.equal((await service.call('GET', `/event-actions/${action.id}`)).version, 2);

    await field(bob, 'name').getByRole('button', { name: 'Take theirs' }).click();
    await bob.getByRole('button', { name: 'Continue with these' }).click();
    await conflict.waitFor({ state: 'detached' });
    await until('the draft has what was decided', async () => (await bob.inputValue('#f-name')) === 'Tell the warehouse now');
    assert.equal(await bob.inputValue('#f-description'), 'second');
    assert.equal(await bob.locator('.cond input.val').inputValue(), '250');
    await save(bob);
    await saved(bob, 3);
  }, { ...REFUSED, storageState: bobsState });

  const now = await service.call('GET', `/event-actions/${action.id}`);
  assert.deepEqual([now.version, now.name, now.description, now.priority, now.conditions[0].value], [3, 'Tell the warehouse now', 'second', 'high', 250]);
});

test('conditions, context filters and settings are decided one by one', async () => {
  const { service, inPage, open } = tested;
  const row = (name, value) => ({ field: `data.${name}`, operator: 'equals', value });
  const action = await service.call('POST', '/event-actions', webhook('https://wms.example/orders', {
    name: 'Piece by piece',
    tenant_id: 'default',
    configuration: { url: 'https://wms.example/orders', method: 'POST', headers: { 'x-a': '1', 'x-b': '1' } },
    context_filters: { region: 'eu', shop: 'north' },
    conditions: [row('a', 'base'), row('b', 'base'), { any: [row('c', 'base'), row('d', 'base')] }],
  }));
  await inPage('conflict-pieces', async (page) => {
    await open(page, `/actions/${action.id}/edit`);
    const value = (n) => page.locator('.cond').nth(n).locator('input.val');
    await value(0).fill('mine');
    await value(1).fill('mine');
    await value(3).fill('mine');
    await service.call('PATCH', `/event-actions/${action.id}`, {
      configuration: { url: 'https://wms.example/other', method: 'POST', headers: { 'x-a': '2', 'x-b': '1' } },
      context_filters: { region: 'us', shop: 'north' },
      conditions: [row('b', 'theirs'), { any: [row('c', 'theirs'), row('d', 'base')] }, row('e', 'theirs')],
    });
    await save(page);
    await page.locator('#conflict').waitFor();
    assert.deepEqual(await page.locator('#conflict').getByRole('heading', { level: 3 }).allInnerTexts(), [
      'condition data.a', 'condition data.b', 'group any, condition data.c', 'group any, condition data.d', 'condition data.e',
      'configuration, headers, x-a', 'configuration, url', 'context filters, region',
    ]);
    assert.ok(await field(page, 'condition data.b').getByText('data.b equals "theirs"').isVisible(), 'a condition is shown as it is read');
    for (const [name, wanted, both] of [['condition data.a', 'Keep mine', 1], ['condition data.b', 'Keep mine', 1], ['group any, condition data.c', 'Take theirs', 0], ['group any, condition data.d', 'Keep mine', 0], ['condition data.e', 'Take theirs', 0], ['context filters, region', 'Take theirs', 0]]) {
      assert.deepEqual([await choice(page, name), await field(page, name).getByText('both changed it').count()], [wanted, both], name);
    }
    await field(page, 'condition data.b').getByRole('button', { name: 'Take theirs' }).click();
    await field(page, 'configuration, url').getByRole('button', { name: 'Keep mine' }).click();
    await page.getByRole('button', { name: 'Continue with these' }).click();
    await page.locator('#conflict').waitFor({ state: 'detached' });
    await save(page);
    await saved(page, 3);
  }, REFUSED);
  const now = await service.call('GET', `/event-actions/${action.id}`);
  assert.deepEqual(now.conditions, [row('a', 'mine'), row('b', 'theirs'), { any: [row('c', 'theirs'), row('d', 'mine')] }, row('e', 'theirs')]);
  assert.deepEqual([now.configuration, now.context_filters], [{ url: 'https://wms.example/orders', method: 'POST', headers: { 'x-a': '2', 'x-b': '1' } }, { region: 'us', shop: 'north' }]);
});

test('undo after the comparison brings the own words back', async () => {
  const { service, inPage, open } = tested;
  const action = await make();
  await inPage('conflict-undo', async (page) => {
    await open(page, `/actions/${action.id}/edit`);
    await page.fill('#f-name', 'Mine');
    await service.call('PATCH', `/event-actions/${action.id}`, { name: 'Theirs' });
    await save(page);
    await field(page, 'name').getByRole('button', { name: 'Take theirs' }).click();
    await page.getByRole('button', { name: 'Continue with these' }).click();
    await until('theirs is taken', async () => (await page.inputValue('#f-name')) === 'Theirs');
    await page.keyboard.press('Control+z');
    await until('and given back', async () => (await page.inputValue('#f-name')) === 'Mine');
    await save(page);
    await saved(page, 3);
    assert.equal((await service.call('GET', `/event-actions/${action.id}`)).name, 'Mine');
  }, REFUSED);
});

test('whoever saves unchanged ground meets no comparison', async () => {
  const { service, inPage, open } = tested;
  const action = await make();
  await inPage('conflict-none', async (page) => {
    await open(page, `/actions/${action.id}/edit`);
    await page.fill('#f-name', 'Alone');
    await save(page);
    await saved(page, 2);
    assert.equal(pathOf(page), `/actions/${action.id}`);
    assert.equal((await service.call('GET', `/event-actions/${action.id}`)).name, 'Alone');
  });
});
