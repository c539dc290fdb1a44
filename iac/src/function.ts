import { join } from 'node:path';
import type { Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { Construct } from 'constructs';
import { logGroupOf } from './log-group.ts';
import type { NetworkStack } from './network-stack.ts';
import { repositoryRoot } from './repository.ts';
import type { Settings } from './settings.ts';

type FunctionOptions = {
  /** The file that exports the handler, from the root of the repository. */
  entry: string;
  /** Name of the export; `handler` by default. */
  handler?: string;
  network: NetworkStack;
  timeout: Duration;
  memoryMiB?: number;
  environment: Record<string, string>;
};

/** A function in the private subnets, bundled by esbuild. The SDK of AWS is part of the runtime. */
export function functionOf(
  scope: Construct,
  name: string,
  settings: Settings,
  options: FunctionOptions,
): NodejsFunction {
  const { network, entry, handler = 'handler', timeout, memoryMiB = 512, environment } = options;
  return new NodejsFunction(scope, name, {
    functionName: `${settings.prefix}${name}`,
    entry: join(repositoryRoot, entry),
    handler,
    runtime: lambda.Runtime.NODEJS_24_X,
    architecture: lambda.Architecture.ARM_64,
    memorySize: memoryMiB,
    timeout,
    environment,
    vpc: network.vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
    securityGroups: [network.groups.services],
    logGroup: logGroupOf(scope, name, settings),
    projectRoot: repositoryRoot,
    depsLockFilePath: join(repositoryRoot, 'package-lock.json'),
    bundling: {
      format: OutputFormat.ESM,
      target: 'node24',
      externalModules: ['@aws-sdk/*'],
      // Packages in CommonJS that esbuild cannot turn into ESM call require.
      banner:
        "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
}
