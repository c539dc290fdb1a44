import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Credentials } from '../callers/staff-account.ts';

/*
 * A host's tablet: the real stand, and the door in a second tab, worked by their buttons. A press counts as taken when the
 * screen says so.
 */

export type PressKind =
  | 'add'
  | 'call'
  | 'seat'
  | 'depart'
  | 'noShow'
  | 'remove'
  | 'restore'
  | 'edit'
  | 'undo'
  | 'count';

/** A press that the screen has taken, with what it called the party: its name or number. Null at the door. */
export type Pressed = { kind: PressKind; name: string | null; isOffline: boolean };

/** A press that the server has not acknowledged, as the device keeps it. */
export type KeptPress = {
  id: string;
  kind: string;
  /** The server's id of the party; the press that added it until the server has named it. Null at the door. */
  party: string | null;
  name: string | null;
  isRefused: boolean;
};

/** What the screen shows: names by part of the line, those that wait in their order. */
export type Shown = { waiting: string[]; called: string[]; seated: string[]; ended: string[] };

export type ShownConflict = { did: string; meanwhile: string };

type StandOptions = {
  gatewayUrl: string;
  venueId: string;
  userId: string;
  credentials: Credentials;
};

const parts = ['waiting', 'called', 'seated', 'ended'] as const;
/** Longer than anything takes on a busy machine. */
const patienceMs = 30_000;

/** How the screen says that it has taken a press. */
const words: [RegExp, PressKind][] = [
  [/^(.+) added$/, 'add'],
  [/^(.+) called(?: again)?$/, 'call'],
  [/^(.+) seated$/, 'seat'],
  [/^(.+) has left the table$/, 'depart'],
  [/^(.+) marked as no-show$/, 'noShow'],
  [/^(.+) removed$/, 'remove'],
  [/^(.+) back in the line$/, 'restore'],
  [/^(.+) changed$/, 'edit'],
  [/^\d+ (?:person|people) (?:in|out)$/, 'count'],
  [/^Undone\.$/, 'undo'],
];

/** Whom a toast is about. */
function nameIn(text: string): string | null {
  return words.map(([pattern]) => pattern.exec(text)?.[1]).find(Boolean) ?? null;
}

// What runs in the page.
const noteSaid = `
  globalThis.said = [];
  let noted = () => {};
  globalThis.saidAt = async (index) => {
    while (said.length <= index) {
      await new Promise((resolve, reject) => {
        noted = resolve;
        setTimeout(reject, ${patienceMs}, new Error('the screen says nothing about the press'));
      });
    }
    return said[index];
  };
  new MutationObserver((records) => {
    for (const node of records.flatMap(({ addedNodes }) => [...addedNodes])) {
      if (node.classList?.contains('toast')) said.push(node.firstElementChild.textContent.trim());
    }
    noted();
  }).observe(document, { childList: true, subtree: true });
`;
/**
 * Clicks a button by its words, in one step: a list that changes meanwhile cannot put another under the finger. Without
 * such a button, waits for it if told so.
 */
const clickByWords = `
  globalThis.clickButton = async (words, within, mustBeThere) => {
    const squeezed = (text) => text.replace(/\\s+/g, '');
    const find = () =>
      [...document.querySelectorAll(within + ' button')].find(
        (button) => button.checkVisibility() && squeezed(button.textContent) === squeezed(words),
      );
    let button = find();
    const until = Date.now() + ${patienceMs};
    while (button === undefined && mustBeThere) {
      if (Date.now() > until) throw new Error('there is no button ' + words);
      await new Promise((resolve) => setTimeout(resolve, 10));
      button = find();
    }
    button?.click();
    return button !== undefined;
  };
`;
const awaitWorker = `new Promise((resolve) => {
  const { serviceWorker } = navigator;
  if (serviceWorker.controller !== null) resolve();
  else serviceWorker.addEventListener('controllerchange', resolve, { once: true });
})`;
const readKept = `new Promise((resolve, reject) => {
  const opening = indexedDB.open('queue-manager-line');
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const reading = opening.result.transaction(['presses', 'outcomes']);
    const [presses, outcomes] = ['presses', 'outcomes'].map((of) => reading.objectStore(of).getAll());
    reading.oncomplete = () => {
      opening.result.close();
      const ids = new Map(outcomes.result.map(({ id, partyId }) => [id, partyId]));
      resolve(presses.result.map(({ id, party, action, saw, refusal }) => ({
        id,
        kind: action.kind,
        party: action.kind === 'count' ? null : (ids.get(party ?? id) ?? party ?? id),
        name: saw?.name ?? action.name ?? null,
        isRefused: refusal !== null,
      })));
    };
  };
})`;
/** How the screen calls a party whose name has not been read yet. */
const numbered = /\bNo\. \d+/;
const pressNext = `(() => {
  const button = document.querySelector('qm-call-next .next');
  const canPress = button.ariaDisabled !== 'true' && !${numbered}.test(button.textContent);
  if (canPress) button.click();
  return canPress;
})()`;
/** Returns what is undone. */
const undoLast = `(() => {
  const toast = document.querySelector('.toast:last-child');
  const undo = [...(toast?.querySelectorAll('button') ?? [])].find(
    (button) => button.textContent.trim() === 'Undo',
  );
  const text = undo === undefined ? null : toast.firstElementChild.textContent.trim();
  undo?.click();
  return text;
})()`;
const nextFrame = `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`;
/** Only what is seen of a list is in the page. */
const readPart = (part: string) => `(async () => {
  const list = document.querySelector('.part.${part} cdk-virtual-scroll-viewport');
  const names = new Map();
  for (let top = 0; list !== null; top += list.clientHeight) {
    list.scrollTop = top;
    await ${nextFrame};
    for (const slot of list.querySelectorAll('[data-key]')) {
      names.set(Number(slot.ariaPosInSet), slot.querySelector('.name').textContent.trim());
    }
    if (top + list.clientHeight >= list.scrollHeight || list.clientHeight === 0) break;
  }
  if (list !== null) list.scrollTop = 0;
  return [...names].sort(([a], [b]) => a - b).map(([, name]) => name);
})()`;

const clicking = (words: string, within: string, mustBeThere: boolean) =>
  `clickButton(${JSON.stringify(words)}, '${within}', ${mustBeThere})`;
/** The tabs have counts in their words. */
const showLower = (part: 'seated' | 'ended') => `[...document.querySelectorAll('.switch .tab')]
  .find((tab) => tab.checkVisibility() && tab.textContent.includes('${part === 'ended' ? 'Gone' : 'Seated'}'))
  .click()`;

export class Stand {
  readonly userId: string;
  /** In order. */
  readonly pressed: Pressed[] = [];
  readonly #context: BrowserContext;
  readonly #path: string;
  #page: Page;
  readonly #door: Page;
  /** The tab in front: others render nothing. */
  #front: Page | null = null;
  #isOffline = false;

  private constructor(userId: string, path: string, page: Page, door: Page) {
    this.userId = userId;
    this.#path = path;
    this.#context = page.context();
    this.#page = page;
    this.#door = door;
  }

  /**
   * Signs in on a device of its own, which can open the app without network from then on.
   *
   * @param browser opens the device
   */
  static async open(browser: Pick<Browser, 'newContext'>, options: StandOptions): Promise<Stand> {
    const { gatewayUrl, venueId, userId, credentials } = options;
    const context = await browser.newContext({
      baseURL: gatewayUrl,
      viewport: { width: 1180, height: 820 },
      locale: 'en-GB',
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(patienceMs);
    await context.addInitScript(noteSaid + clickByWords);
    const page = await context.newPage();
    const path = `/backoffice/venues/${venueId}/stand`;
    await page.goto(path);
    await page.locator('input[type=email]').fill(credentials.email);
    await page.locator('input[name=password]').fill(credentials.password);
    await page.locator('button[type=submit]').click();
    await page.locator('.fills[aria-busy=false] .part.waiting').waitFor();
    await page.evaluate(awaitWorker);
    const door = await context.newPage();
    await door.goto(`/backoffice/venues/${venueId}/door`);
    await door.locator('.number').waitFor();
    return new Stand(userId, path, page, door);
  }

  // The network

  async setOffline(isOffline: boolean): Promise<void> {
    await this.#context.setOffline(isOffline);
    this.#isOffline = isOffline;
  }

  /** As after a flat battery. */
  async reload(): Promise<void> {
    await this.#written();
    await this.#page.reload();
    await this.#page.locator('.part.waiting').waitFor();
  }

  /** Its renderer dies, and the app is opened again. */
  async crash(): Promise<void> {
    await this.#written();
    const session = await this.#context.newCDPSession(this.#page);
    const crashed = this.#page.waitForEvent('crash');
    session.send('Page.crash').catch(() => {});
    await crashed;
    await this.#page.close();
    this.#page = await this.#context.newPage();
    await this.#page.goto(this.#path);
    await this.#page.locator('.part.waiting').waitFor();
  }

  /** Waits until the device has written what was pressed: reads come after the writes before them, and an undo writes twice. */
  async #written(): Promise<void> {
    await this.kept();
    await this.kept();
  }

  // Presses

  /** Presses what `act` presses; null if it found nothing to press, or the screen did not take it. */
  async #take(act: () => Promise<boolean>, page = this.#page): Promise<Pressed | null> {
    await this.#show(page);
    const before = (await page.evaluate('said.length')) as number;
    if (!(await act())) return null;
    const text = (await page.evaluate(`saidAt(${before})`)) as string;
    const kind = words.find(([pattern]) => pattern.test(text))?.[1];
    if (kind === undefined) return null;
    const pressed = { kind, name: nameIn(text), isOffline: this.#isOffline };
    this.pressed.push(pressed);
    return pressed;
  }

  async #show(page: Page): Promise<void> {
    if (this.#front === page) return;
    await page.bringToFront();
    this.#front = page;
  }

  /** Calls the next; returns its name. The name of a guest who has just joined may still be on its way. */
  async callNext(): Promise<string | null> {
    const pressed = await this.#take(() => this.#page.evaluate(pressNext) as Promise<boolean>);
    return pressed?.name ?? null;
  }

  /** Presses a button of a party. */
  press(button: 'Call' | 'Seat' | 'Has left' | 'No-show', name: string): Promise<Pressed | null> {
    return this.#onRow(`${button} ${name}`, name);
  }

  remove(name: string): Promise<Pressed | null> {
    return this.#onRow(`More for ${name}`, name, async () => {
      await this.#page.evaluate(nextFrame);
      const isThere = await this.#clickIfThere('Remove from the line', '.menu');
      // The party has just left the line.
      if (!isThere) await this.#page.keyboard.press('Escape');
      return isThere;
    });
  }

  async restore(name: string): Promise<Pressed | null> {
    await this.#show(this.#page);
    await this.#showLower('ended');
    const pressed = await this.#onRow(`Back to the line ${name}`, name);
    await this.#showLower('seated');
    return pressed;
  }

  note(name: string, text: string): Promise<Pressed | null> {
    return this.#onRow(name, name, async () => {
      await this.#page.locator('.dialog textarea[name=notes]').fill(text);
      await this.#click('Save', '.dialog');
      return true;
    });
  }

  /** Presses a button of a row, if there is one, and then what it opens, if that is still there. */
  #onRow(button: string, name: string, andThen = async () => true): Promise<Pressed | null> {
    const search = this.#page.getByRole('searchbox');
    return this.#take(async () => {
      if (await this.#clickIfThere(button, '.parts')) return andThen();
      // It may be further down the list.
      await search.fill(name);
      await this.#page.evaluate(nextFrame);
      const isPressed = (await this.#clickIfThere(button, '.parts')) && (await andThen());
      await search.fill('');
      return isPressed;
    });
  }

  add(name: string, size: number): Promise<Pressed | null> {
    return this.#take(async () => {
      await this.#click('Add', '.tools');
      const dialog = this.#page.locator('.dialog');
      await dialog.locator('input[name=name]').fill(name);
      await dialog.locator('input[name=size]').fill(String(size));
      await this.#click('Add', '.dialog');
      await this.#click('Done', '.dialog');
      await dialog.waitFor({ state: 'detached' });
      return true;
    });
  }

  /** Takes the last press back, if that is still offered. */
  async undo(): Promise<Pressed | null> {
    let text: string | null = null;
    const pressed = await this.#take(async () => {
      text = (await this.#page.evaluate(undoLast)) as string | null;
      return text !== null;
    });
    return pressed && Object.assign(pressed, { name: nameIn(text ?? '') });
  }

  /** Counts one person at the door. */
  count(direction: 'in' | 'out'): Promise<Pressed | null> {
    return this.#take(async () => {
      await this.#click(`1 ${direction}`, '.buttons', this.#door);
      return true;
    }, this.#door);
  }

  async #click(words: string, within: string, page = this.#page): Promise<void> {
    await page.evaluate(clicking(words, within, true));
  }

  #clickIfThere(words: string, within: string): Promise<boolean> {
    return this.#page.evaluate(clicking(words, within, false)) as Promise<boolean>;
  }

  // What it keeps and shows

  async kept(): Promise<KeptPress[]> {
    return (await this.#page.evaluate(readKept)) as KeptPress[];
  }

  /** The first names that the screen shows of a part, as far as it knows them. */
  async namesIn(part: keyof Shown): Promise<string[]> {
    await this.#show(this.#page);
    if (part === 'ended') await this.#showLower(part);
    return this.#page.evaluate(
      `[...document.querySelectorAll('.part.${part} .name')]
        .map((it) => it.textContent.trim())
        .filter((name) => !${numbered}.test(name))`,
    ) as Promise<string[]>;
  }

  async shown(): Promise<Shown> {
    await this.#show(this.#page);
    const shown: Shown = { waiting: [], called: [], seated: [], ended: [] };
    for (const part of parts) {
      if (part === 'seated' || part === 'ended') await this.#showLower(part);
      shown[part] = (await this.#page.evaluate(readPart(part))) as string[];
    }
    await this.#showLower('seated');
    return shown;
  }

  async #showLower(part: 'seated' | 'ended'): Promise<void> {
    await this.#page.evaluate(showLower(part));
    await this.#page.evaluate(nextFrame);
  }

  /** How many people the door shows inside. */
  async inside(): Promise<number> {
    return Number(await this.#door.locator('.number').textContent());
  }

  /** Whether the screen comes to say that there is no network. */
  saysOffline(): Promise<boolean> {
    const said = this.#page.getByText(/No connection\. As of/).waitFor();
    return said.then(
      () => true,
      () => false,
    );
  }

  conflicts(): Promise<ShownConflict[]> {
    return this.#page.evaluate(`[...document.querySelectorAll('.conflict')].map((conflict) => {
      const [did, meanwhile] = [...conflict.querySelectorAll('dd')];
      return { did: did.textContent.trim(), meanwhile: meanwhile.textContent.trim() };
    })`) as Promise<ShownConflict[]>;
  }

  /** Does the first refused press anyway that can be; returns whether there was one. */
  doAnyway(): Promise<boolean> {
    return this.#decide('Do it anyway');
  }

  /** Leaves the first refused press as it is; returns what was dropped: it and those behind it. */
  async leaveIt(): Promise<KeptPress[]> {
    const before = await this.kept();
    if (!(await this.#decide('Leave it as it is'))) return [];
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const left = new Set((await this.kept()).map(({ id }) => id));
      const dropped = before.find(({ id, isRefused }) => isRefused && !left.has(id));
      // Presses on others may have been acknowledged meanwhile.
      if (dropped !== undefined) {
        const { id: droppedId, party: of } = dropped;
        return before.filter(({ id, party }) =>
          of === null ? id === droppedId : party === of && !left.has(id),
        );
      }
      if (performance.now() > deadline) throw new Error('a refused press was not dropped');
      await delay(20);
    }
  }

  async #decide(button: string): Promise<boolean> {
    await this.#show(this.#page);
    return this.#clickIfThere(button, '.conflict');
  }

  close(): Promise<void> {
    return this.#context.close();
  }
}
