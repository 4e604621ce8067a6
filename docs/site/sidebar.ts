/** The pages of the site, by task. A document that stands in no section is listed as a room. */

export interface Section {
  readonly title: string
  /** Title and path from the root of each document. Generated pages are in `reference/`. */
  readonly pages: readonly (readonly [title: string, document: string])[]
}

export const SECTIONS: readonly Section[] = [
  {
    title: 'Begin',
    pages: [
      ['Straightway in two commands', 'README.md'],
      ['Five applications', 'examples/README.md'],
      ['Recipes', 'docs/recipes.md'],
      ['Words', 'docs/glossary.md'],
    ],
  },
  {
    title: 'Use it',
    pages: [
      ['SDK', 'peer/README.md'],
      ['Command line', 'cli/README.md'],
      ['INDEX over REST', 'functions/README.md'],
      ['Search filters', 'shared/model/README.md'],
    ],
  },
  {
    title: 'Run it',
    pages: [
      ['On one machine', 'local/README.md'],
      ['On LocalStack or another emulator', 'local/cloud/README.md'],
      ['In an AWS account', 'infra/README.md'],
      ['As a construct of your CDK app', 'examples/cdk/README.md'],
      ['Nodes', 'udp-edge/README.md'],
      ['The canary', 'canary/README.md'],
      ['Debugging', 'docs/debugging.md'],
    ],
  },
  {
    title: 'Understand it',
    pages: [
      ['Architecture', 'ARCHITECTURE.md'],
      ['The protocol machines', 'shared/core/README.md'],
      ['How a tunnel becomes direct', 'shared/core/handshake/README.md'],
      ['Cryptography', 'shared/crypto/README.md'],
      ['Threat model', 'docs/threat-model.md'],
      ['Benchmarks', 'bench/README.md'],
    ],
  },
  {
    title: 'Look it up',
    pages: [
      ['Errors', 'reference/errors.md'],
      ['Why a tunnel is not direct', 'reference/why-not-direct.md'],
      ['Limits', 'reference/limits.md'],
      ['Metrics', 'reference/metrics.md'],
      ['Wire format', 'shared/wire/README.md'],
      ['Changes', 'CHANGELOG.md'],
    ],
  },
  {
    title: 'Join in',
    pages: [
      ['Your first change', 'docs/first-change.md'],
      ['Contributing', 'CONTRIBUTING.md'],
      ['Reporting a vulnerability', 'SECURITY.md'],
      ['Code of conduct', 'CODE_OF_CONDUCT.md'],
    ],
  },
]
