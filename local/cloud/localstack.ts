/**
 * The open core of LocalStack (Apache-2.0), without Docker and without a token. It has CloudFormation, DynamoDB with
 * streams, Secrets Manager, S3 and whatever else the data stack needs. It has no functions and no WebSocket APIs; those
 * run beside it (beside.ts).
 *
 * LocalStack runs DynamoDB Local, which has its vendor's own licence. The embedded engine of this project replaces it:
 * what LocalStack starts as `java` starts the engine. Streams are LocalStack's own, over kinesis-local from npm.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'
import { chooseEngine, thisMachine } from '../engine-choice.ts'
import type { Program } from './emulator.ts'
import { cacheFolder, installPython } from './python-package.ts'

/**
 * The newest version that runs on Python 3.11, which Debian 12 has, and needs no token. 4.14 requires Python 3.12, and
 * later ones a token.
 */
const VERSION = '4.13.1'
/** Dependencies without upper bounds, whose newer versions keep LocalStack from starting. */
const PINS = ['cbor2==5.7.1', 'pyopenssl==25.1.0', 'cryptography<46', 'service_identity==24.2.0']
/** The version that this version of LocalStack looks for. */
const KINESIS = '0.5.2'
const ENGINE = join(import.meta.dirname, 'engine-for-localstack.ts')

/** Adds two things to Python 3.11 that LocalStack relies on: `threading.Lock` as a class, and names as bytes in `uuid5`. */
const MAIN = `
import _thread, hashlib, runpy, sys, threading, uuid
if sys.version_info < (3, 13):
    threading.Lock = type('Lock', (), {'__new__': lambda cls: _thread.allocate_lock()})
if sys.version_info < (3, 12):
    def uuid5(namespace, name):
        name = name.encode() if isinstance(name, str) else name
        return uuid.UUID(bytes=hashlib.sha1(namespace.bytes + name).digest()[:16], version=5)
    uuid.uuid5 = uuid5
runpy.run_module('localstack.runtime.main', run_name='__main__', alter_sys=True)
`

/** Installs LocalStack. Throws `unavailable` if Python, a package or the embedded engine is not available. */
export function installLocalstack(log: (line: string) => void): Program {
  requireEmbeddedEngine()
  const { python, env } = installPython('localstack-core', VERSION, log, { extra: 'runtime', pins: PINS })
  const kinesis = installKinesis(log)
  return {
    name: 'LocalStack',
    python,
    arguments: ['-c', MAIN],
    health: '/_localstack/health',
    environment(port, folder) {
      layOut(folder, kinesis)
      return {
        ...env,
        OVERRIDE_IN_DOCKER: '0',
        FILESYSTEM_ROOT: folder,
        GATEWAY_LISTEN: `127.0.0.1:${port}`,
        DNS_ADDRESS: '0',
        DISABLE_EVENTS: '1',
        SKIP_SSL_CERT_DOWNLOAD: '1',
        ACTIVATE_PRO: '0',
        DYNAMODB_IN_MEMORY: '1',
        LS_LOG: 'error',
        TMPDIR: folder,
      }
    },
  }
}

function requireEmbeddedEngine(): void {
  if (chooseEngine(thisMachine()).kind !== 'embedded')
    throw new StraightwayError('unavailable', 'LocalStack without Docker wants the embedded engine.')
}

/** Installs kinesis-local if necessary. Returns the folder of the package with its dependencies. */
function installKinesis(log: (line: string) => void): string {
  const folder = cacheFolder(`kinesis-local-${KINESIS}`)
  if (existsSync(folder)) return folder
  log(`Installing kinesis-local ${KINESIS} into ${folder}`)
  const partial = `${folder}.${process.pid}`
  mkdirSync(partial, { recursive: true })
  try {
    const arguments_ = ['install', '--prefix', partial, '--no-audit', '--no-fund', `kinesis-local@${KINESIS}`]
    execFileSync('npm', arguments_, { stdio: 'pipe', encoding: 'utf8' })
    renameSync(partial, folder)
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    if (existsSync(folder)) return folder
    throw new StraightwayError('unavailable', `kinesis-local wants npm: ${(error as Error).message}`)
  }
  return folder
}

/** Creates the files that LocalStack would download at first use, at the paths where it looks for them. */
function layOut(root: string, kinesis: string): void {
  const libraries = join(root, 'usr/lib/localstack')
  const java = join(libraries, 'java/21/bin/java')
  put(java, `#!/bin/sh\nexec '${process.execPath}' '${ENGINE}' "$@"\n`)
  chmodSync(java, 0o755)
  for (const file of ['DynamoDBLocal.jar', 'ddb-local-loader-0.1.jar'])
    put(join(libraries, 'dynamodb-local/2', file), '')
  const installed = join(root, 'var/lib/localstack/lib/kinesis-local')
  mkdirSync(installed, { recursive: true })
  symlinkSync(kinesis, join(installed, KINESIS))
}

function put(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
