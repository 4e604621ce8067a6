// The constructs for a CDK app. They are in a package of their own: `npm install @straightway/system aws-cdk-lib constructs`.
export * from '@straightway/system/infra'
