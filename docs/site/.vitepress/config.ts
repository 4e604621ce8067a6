import { join } from 'node:path'
import { defineConfig } from 'vitepress'
import { documents, sitePath } from '../pages.ts'
import { SECTIONS } from '../sidebar.ts'

const linkOf = (document: string): string => `/${sitePath(document).replace(/(index)?\.md$/, '')}`
const placed = new Set(SECTIONS.flatMap(({ pages }) => pages.map(([, document]) => document)))
const rooms = documents().filter((document) => !placed.has(document))

export default defineConfig({
  title: 'Straightway',
  description: 'The whole back end of a peer-to-peer application',
  srcDir: 'pages',
  outDir: 'out',
  cleanUrls: true,
  // The reference of TypeDoc is copied beside the pages after they are built.
  ignoreDeadLinks: [/^\/api\//],
  markdown: { html: false },
  vite: { publicDir: join(import.meta.dirname, '../public'), logLevel: 'warn' },
  themeConfig: {
    search: { provider: 'local' },
    outline: 'deep',
    nav: [
      { text: 'SDK', link: linkOf('peer/README.md') },
      { text: 'REST', link: linkOf('functions/README.md') },
      { text: 'API reference', link: '/api/index.html', target: '_self' },
    ],
    sidebar: [
      ...SECTIONS.map(({ title, pages }) => ({
        text: title,
        items: pages.map(([text, document]) => ({ text, link: linkOf(document) })),
      })),
      {
        text: 'Rooms of the code',
        collapsed: true,
        items: rooms.map((document) => ({
          text: document.replace(/\/README\.md$/, ''),
          link: linkOf(document),
        })),
      },
    ],
  },
})
