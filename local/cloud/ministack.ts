/** MiniStack, an emulator of AWS in Python (MIT), from PyPI. It runs functions as processes of the project's own Node. */
import type { Program } from './emulator.ts'
import { installPython } from './python-package.ts'

/** The version with which the emulator's test suite has passed. */
const VERSION = '1.5.33'

/**
 * Adds what `npm run adopt` needs and this version lacks: the import of a `GlobalTable`, as it does that of a `Table`, and
 * of a `Secret`, which CloudFormation identifies by its ARN.
 */
const MAIN = `
from ministack.services import secretsmanager
from ministack.services.cloudformation import changesets, provisioners

handlers, lookups = provisioners._RESOURCE_HANDLERS, changesets._IMPORT_LOOKUPS
TABLE, GLOBAL_TABLE, SECRET = 'AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable', 'AWS::SecretsManager::Secret'

def secret(arn):
    return next((each for each in secretsmanager._secrets.values() if each['ARN'] == arn), None)

def missing(arn):
    return None if secret(arn) else changesets._IMPORT_NOT_FOUND.format(type=SECRET, value=arn)

def adopt(identifier):
    arn = identifier['Id']
    return secret(arn)['Name'], {'Id': arn, 'Arn': arn}

handlers[GLOBAL_TABLE]['import'] = handlers[TABLE]['import']
lookups[GLOBAL_TABLE] = lookups[TABLE]
handlers[SECRET]['import'] = adopt
lookups[SECRET] = (('Id',), missing)

from ministack.app import main
main()
`

/** Installs MiniStack. Throws `unavailable` if Python or the package is not available. */
export function installMinistack(log: (line: string) => void): Program {
  const { python, env } = installPython('ministack', VERSION, log)
  return {
    name: 'MiniStack',
    python,
    arguments: ['-c', MAIN],
    health: '/_ministack/health',
    environment: (port, folder) => ({
      ...env,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      LAMBDA_EXECUTOR: 'local',
      LOG_LEVEL: 'WARNING',
      TMPDIR: folder,
    }),
  }
}
