/** Checks of the certificate, of the tag by which the budget counts costs, and of the address that alarms write to. */
import { DescribeCertificateCommand } from '@aws-sdk/client-acm'
import { ListCostAllocationTagsCommand } from '@aws-sdk/client-cost-explorer'
import type { Check } from './check.ts'

const TAG = 'straightway'

export const certificate: Check = async ({ config: { domain }, kind, region, clients }) => {
  if (domain === undefined || kind === 'second') return []
  const { name, certificateArn } = domain
  const wrong = (what: string) =>
    [
      {
        level: 'error',
        check: 'certificate',
        what,
        mend: `aws acm request-certificate --region ${region} --validation-method DNS --domain-name ${name}, its DNS record, and its ARN as domain: { certificateArn }`,
      },
    ] as const
  const itsRegion = certificateArn.split(':')[3]
  if (itsRegion !== region)
    return wrong(`The certificate of ${name} is in ${itsRegion}, and must be in ${region}.`)
  const asked = new DescribeCertificateCommand({ CertificateArn: certificateArn })
  const answer = await clients.acm.send(asked).catch((error: Error) => {
    if (error.name === 'ResourceNotFoundException') return { Certificate: undefined }
    throw error
  })
  const { Certificate } = answer
  if (Certificate === undefined) return wrong(`There is no certificate ${certificateArn}.`)
  if (Certificate.Status !== 'ISSUED') return wrong(`The certificate of ${name} is ${Certificate.Status}.`)
  const names = [Certificate.DomainName ?? '', ...(Certificate.SubjectAlternativeNames ?? [])]
  return names.some((covered) => covers(covered, name))
    ? []
    : wrong(`The certificate is for ${names.join(', ')}.`)
}

/** True if a certificate's name covers `name`. A wildcard stands for one label. */
const covers = (covered: string, name: string): boolean =>
  covered === name || (covered.startsWith('*.') && name.replace(/^[^.]+/, '*') === covered)

export const costTag: Check = async ({ kind, clients }) => {
  if (kind === 'second') return []
  const command = new ListCostAllocationTagsCommand({ TagKeys: [TAG] })
  const { CostAllocationTags = [] } = await clients.costs.send(command)
  if (CostAllocationTags.some(({ TagKey, Status }) => TagKey === TAG && Status === 'Active')) return []
  return [
    {
      level: 'warning',
      check: 'cost-tag',
      what: 'The tag `straightway` is not active for costs, so the budget would see 0 dollars.',
      mend: `a day after the first deployment: aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey=${TAG},Status=Active`,
    },
  ]
}

export const operator: Check = async ({ config: { alarmEmail }, kind }) =>
  alarmEmail !== undefined || kind === 'second'
    ? []
    : [
        {
          level: 'warning',
          check: 'operator',
          what: 'Alarms and the budget write to nobody.',
          mend: "alarmEmail: 'you@example.com' in infra/environments.ts",
        },
      ]
