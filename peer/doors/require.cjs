// What `require('straightway')` gets from a Node that cannot require ES modules (before 20.19 and 22.12).
'use strict'
const error = new Error(
  `straightway is an ES module, which Node ${process.versions.node} cannot require. Use \`import { join } from 'straightway'\`, ` +
    "or `const { join } = await import('straightway')` in CommonJS; or Node 20.19, 22.12 or later.",
)
error.code = 'ERR_REQUIRE_ESM'
throw error
