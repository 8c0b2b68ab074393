// What the tests of the console share: an administrator who is signed in, pages that must not complain, and small doings in the editor.
import assert from 'node:assert/strict';
import { onPage, openPage, settled, startBrowser, startService, startSink } from './util.mjs';

/** The administrator of every instance set up here. */
export const ADMIN = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'correct horse battery' };

/** A service of its own that is set up, a sink, a browser, and the session of the administrator. */
export async function startConsole() {
  const begun = await Promise.allSettled([startService(), startSink(), startBrowser()]);
  const [service, sink, browser] = begun.map((one) => one.value);
  const console = { service, sink, browser };
  console.stop = async () => {
    await browser?.close();
    await sink?.stop();
    await service?.stop();
  };
  try {
    for (const one of begun) if (one.status === 'rejected') throw one.reason;
    console.storageState = await setUp(service, browser);
    await withoutReadyMade(service);
  } catch (error) {
    await console.stop().catch(() => {});
    throw error;
  }

  /** Runs a step in a signed-in page of its own that is closed afterwards; the browser must not complain about anything. */
  console.inPage = async (name, step, { allowed = [], ...options } = {}) => {
    const page = await openPage(browser, { storageState: console.storageState, ...options });
    await page.addInitScript(noticeScript);
    try {
      return await onPage(page, service, name, async () => {
        const out = await step(page);
        assert.deepEqual(page.complaints.filter((line) => !allowed.some((pattern) => pattern.test(line))), [], 'the browser complains about nothing');
        return out;
      });
    } finally {
      await page.context().close();
    }
  };

  /** Opens a page of the console and waits until its islands work. */
  console.open = async (page, where) => {
    await page.goto(service.url + where);
    await awake(page);
  };
  return console;
}

/** Runs in the page before anything else: notes when its program is ready, which a large build is some time after it was fetched. */
function noticeScript() {
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    WebAssembly[name] = (...given) => original.apply(WebAssembly, given).then((made) => ((window.programIsReady = true), made));
  }
}

/** Waits until the islands of a page of `inPage` answer to clicks and keys. */
export async function awake(page) {
  await page.waitForLoadState('load');
  await page.waitForFunction(() => !document.querySelector('leptos-island') || window.programIsReady, null, { timeout: 60_000 });
  await settled(page);
}

/** Claims the instance by the printed link; gives the session. */
async function setUp(service, browser) {
  const context = await browser.newContext();
  try {
    const token = new URL(await service.setupUrl()).searchParams.get('token');
    const answer = await context.request.post(`${service.url}/setup`, { form: { ...ADMIN, token }, headers: { origin: service.url } });
    assert.ok(answer.ok(), `set-up: ${answer.status()} ${await answer.text()}`);
    return await context.storageState();
  } finally {
    await context.close();
  }
}

/** A webhook action as REST takes it. */
export const webhook = (url, rest) => ({ handler_type: 'webhook', configuration: { url, method: 'POST' }, event_types: ['order.paid'], conditions: [], ...rest });

/** Waits until the draft is judged and its test is back: the panel's sentence fits. */
export const verdict = (page, pattern) => page.locator('.tester .says', { hasText: pattern }).waitFor();

/** Deletes the actions that every new installation has, so that lists hold what a test has put there. */
async function withoutReadyMade(service) {
  const { items } = await service.call('GET', '/event-actions?tag=alerts');
  for (const action of items) await service.call('DELETE', `/event-actions/${action.id}`);
}

/** The path of the page, without query. */
export const pathOf = (page) => new URL(page.url()).pathname;
