import { join } from 'node:path';
import type { Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { Construct } from 'constructs';
import { logGroupOf } from './log-group.ts';
import { repositoryRoot } from './repository.ts';
import type { Settings } from './settings.ts';
import type { NetworkStack } from './stacks/network-stack.ts';

type FunctionOptions = {
  /** The file that exports the handler, from the root of the repository. */
  entry: string;
  /** Name of the export; `handler` by default. */
  handler?: string;
  /** In whose private subnets it runs; without, it reaches AWS and the internet only. */
  network?: NetworkStack;
  timeout: Duration;
  /** Folders that it reads, from the root of the repository. They are put beside the bundle. */
  assets?: readonly string[];
  memoryMiB?: number;
  environment: Record<string, string>;
};

/** A function of one bundled file. */
export function functionOf(
  scope: Construct,
  name: string,
  settings: Settings,
  options: FunctionOptions,
): NodejsFunction {
  const { network, entry, handler = 'handler', timeout, memoryMiB = 512, environment } = options;
  const assets = (options.assets ?? []).map((folder) => join(repositoryRoot, folder));
  return new NodejsFunction(scope, name, {
    functionName: `${settings.prefix}${name}`,
    entry: join(repositoryRoot, entry),
    handler,
    runtime: lambda.Runtime.NODEJS_24_X,
    architecture: lambda.Architecture.ARM_64,
    memorySize: memoryMiB,
    timeout,
    environment,
    ...(network
      ? {
          vpc: network.vpc,
          vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
          securityGroups: [network.groups.services],
        }
      : {}),
    logGroup: logGroupOf(scope, name, settings),
    projectRoot: repositoryRoot,
    depsLockFilePath: join(repositoryRoot, 'package-lock.json'),
    bundling: {
      format: OutputFormat.ESM,
      target: 'node24',
      // The versions of the lock, not those of the runtime.
      externalModules: [],
      // Packages in CommonJS call require, and some name their own folder.
      banner: [
        "import { createRequire as requireOf } from 'node:module';",
        'const require = requireOf(import.meta.url);',
        'const { dirname: __dirname, filename: __filename } = import.meta;',
      ].join(' '),
      commandHooks: {
        beforeInstall: () => [],
        beforeBundling: () => [],
        afterBundling: (_from, to) => assets.map((folder) => `cp -R ${folder} ${to}`),
      },
    },
  });
}
