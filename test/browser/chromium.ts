/** Chromium with pages of an application at one origin, which a small server serves with the SDK's bundle. */
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, expect } from 'vitest'
import { bundleForBrowsers } from '../../browser/build.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-component-update',
]

/** Path of Chromium; undefined if there is none. Throws under CI, where every suite must run. */
export function chromiumPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const paths = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))
  const found = paths.find(isExecutable)
  if (found === undefined && process.env.CI) throw new Error('Chromium is missing: apt-get install chromium')
  if (found === undefined) console.log('Skipped: Chromium is missing (apt-get install chromium).')
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

interface Settled<T> {
  readonly value?: T
  readonly error?: { readonly code: string; readonly message: string }
}

/** A page of the application. */
export class Tab {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  /** Calls a function of test/browser/page.js. */
  act<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    const call = `globalThis.act[${JSON.stringify(name)}](...${JSON.stringify(args)})`
    return this.page.evaluate(call)
  }

  /** Like `act`, for functions that settle. Rejects with a text that begins with the code of the error. */
  async settle<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    const { value, error } = await this.act<Settled<T>>(name, ...args)
    if (error !== undefined) throw new Error(`${error.code}: ${error.message}`)
    return value as T
  }

  /** Resolves with the first such event, whenever it was heard. */
  async heard<T>(event: string, isIt: (told: T) => boolean = () => true): Promise<T> {
    let found: T | undefined
    await expect
      .poll(async () => {
        const all = await this.act<[T][]>('heard', event)
        found = all.map(([told]) => told).find(isIt)
        return found !== undefined
      })
      .toBe(true)
    return found as T
  }

  /** Loads the page again, as a user does. */
  async reload(): Promise<void> {
    await this.page.reload()
    await ready(this.page)
  }
}

const ready = (page: Page) => page.waitForFunction(`document.title === 'ready'`)

export interface Chromium {
  readonly context: BrowserContext
  /** Opens a page of the application. */
  readonly tab: () => Promise<Tab>
  /** Stops the processes of all pages, as a machine that sleeps does. Returns a function that wakes them. */
  readonly sleep: () => Promise<() => void>
}

/** Starts Chromium. It ends with the file. */
export async function startChromium(executablePath: string): Promise<Chromium> {
  const { outputFiles } = await bundleForBrowsers()
  const files: Readonly<Record<string, string>> = {
    '/straightway.js': outputFiles[0]!.text,
    '/page.js': await readFile(join(import.meta.dirname, 'page.js'), 'utf8'),
  }
  const server = createServer(({ url = '/' }, response) => {
    const script = files[url]
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? '<!doctype html><title>page</title><script type="module" src="/page.js"></script>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const browser = await chromium.launch({ executablePath, args: ARGS })
  const context = await browser.newContext()
  afterAll(async () => {
    await browser.close()
    server.close()
  })
  const tab = async () => {
    const page = await context.newPage()
    page.on('pageerror', (error) => console.error(`in the page: ${error.stack ?? error}`))
    page.on('console', (message) => console.log(`in the page: ${message.text()}`))
    await page.goto(`http://127.0.0.1:${port}/`)
    await ready(page)
    return new Tab(page)
  }
  const sleep = async () => {
    const devtools = await browser.newBrowserCDPSession()
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo')
    const pages = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
    for (const id of pages) process.kill(id, 'SIGSTOP')
    return () => {
      for (const id of pages) process.kill(id, 'SIGCONT')
    }
  }
  return { context, tab, sleep }
}
