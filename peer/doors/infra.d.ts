// The constructs for a CDK app, which are in another package: `npm install @straightway/system aws-cdk-lib constructs`.
export * from '@straightway/system/infra'
