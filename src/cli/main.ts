#!/usr/bin/env node
/**
 * The command line `blindsight`. Commands load what they need when they run, so that `--help` is quick.
 * @module
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { VECTOR_FORMATS } from '../base/stored-vector.ts';
import { KEEP_RULES } from './keep-rules.ts';
import { exitCode, printError, type Common } from './output.ts';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('blindsight')
  .description('Finds pictures that look alike, on a server that never sees a picture.')
  .version(version)
  .showHelpAfterError('(blindsight COMMAND --help shows its options)')
  .addHelpText(
    'after',
    `
Examples:
  $ blindsight demo                            see it work, on sample photos
  $ blindsight init ~/photos.blind             make a library
  $ blindsight add ~/photos.blind ~/Pictures   encrypt a folder of photos into it
  $ blindsight search ~/photos.blind cat.jpg --out /tmp/found

The passphrase comes from a prompt, from --passphrase-file FILE, or from BLINDSIGHT_PASSPHRASE.
Exit codes: 0 done, 1 failed, 2 wrong usage. Every command takes --json.`,
  );

function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`Expected a whole number ${min}..${max}.`);
    return value;
  };
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= min && value <= max))
      throw new InvalidArgumentError(`Expected a number ${min}..${max}.`);
    return value;
  };
}

function command(signature: string, description: string, examples: string, parent = program): Command {
  const made = parent
    .command(signature)
    .description(description)
    .option('--json', 'answer in JSON, on one line')
    .addHelpText('after', `\nExamples:\n${examples.trim().replace(/^\s*/gm, '  $ ')}`);
  return made;
}

const passphraseFile = (): Option =>
  new Option('--passphrase-file <file>', 'read the passphrase from the first line of a file');
const vectorsOption = (): Option =>
  new Option('--vectors <format>', 'under ranking server: int8 takes a quarter of the bytes of f32').choices([
    ...VECTOR_FORMATS,
  ]);
const rankingOption = (): Option =>
  new Option('--ranking <name>', 'who ranks, and so what the server learns').choices(['server', 'split', 'client']);
const recoveryFile = (): Option =>
  new Option('--words-file <file>', 'open with the 24 recovery words in a file, instead of a passphrase');

const workersOption = (): Option =>
  new Option('--workers <n>', 'threads that describe photos; 0: none; default: one a core, at most 8').argParser(
    integer(0, 64),
  );

/** The prefilter's family and numbers. */
function prefilterOptions(made: Command): Command {
  return made
    .addOption(
      new Option('--family <name>', "tokens of sampled bits, or of the vocabulary's learned buckets").choices([
        'lsh',
        'centroids',
      ]),
    )
    .addOption(new Option('--tables <n>', 'lsh: tables').argParser(integer(1, 1024)))
    .addOption(new Option('--sampled-bits <n>', 'lsh: bits in a table').argParser(integer(1, 48)))
    .addOption(new Option('--assigned <n>', 'centroids: buckets a photo is put into').argParser(integer(1, 64)))
    .addOption(new Option('--probes <n>', 'buckets a search looks at, in each table').argParser(integer(1, 4096)));
}

const server = (): Option =>
  new Option('--server <url>', 'where the store is, when it is not in the library folder; remembered in it');
const tokenFile = (): Option =>
  new Option('--token-file <file>', "read the server's token from a file; default: BLINDSIGHT_TOKEN");

prefilterOptions(
  command(
    'init <library>',
    'make an empty library, and print its recovery words',
    `blindsight init photos.blind
   blindsight init photos.blind --ranking client
   blindsight init photos.blind --passphrase-file secret.txt --json`,
  ),
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .option('--vocabulary <file>', 'a vocabulary made by blindsight train')
  .addOption(rankingOption().default('server'))
  .addOption(new Option('--noise <sigma>', 'noise on each stored vector').argParser(number(0, 1024)))
  .addOption(new Option('--split <s>', 'width of the random split').argParser(number(2 ** -10, 1024)))
  .addOption(vectorsOption())
  .action(async (library: string, options) => (await import('./commands/init.ts')).init(library, options));

command(
  'passphrase <library>',
  'change the passphrase',
  `blindsight passphrase photos.blind
   blindsight passphrase photos.blind --words-file recovery.txt
   BLINDSIGHT_PASSPHRASE=old BLINDSIGHT_NEW_PASSPHRASE=new blindsight passphrase photos.blind`,
)
  .addOption(passphraseFile())
  .addOption(recoveryFile())
  .option('--new-passphrase-file <file>', 'read the new passphrase from the first line of a file')
  .action(async (library: string, options) => (await import('./commands/passphrase.ts')).passphrase(library, options));

command(
  'add <library> <paths...>',
  'encrypt photos into a library; run it again to go on after a stop; while the server cannot be reached, encrypted photos wait here',
  `blindsight add photos.blind ~/Pictures
   blindsight add photos.blind a.jpg b.png --json`,
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .option(
    '--store-undecodable',
    'store files that no decoder here reads (HEIC, SVG ...), encrypted; no search finds them',
  )
  .option('--no-thumbnails', 'seal no thumbnail (16 KiB) with each photo: the browser page then opens the whole photo')
  .addOption(workersOption())
  .addOption(
    new Option('--concurrency <n>', 'files worked on at a time; default: 3, or two a worker and two').argParser(
      integer(1, 64),
    ),
  )
  .action(async (library: string, paths: string[], options) =>
    (await import('./commands/add.ts')).add(library, paths, options),
  );

command(
  'push <library>',
  'send what was added while the server could not be reached; every add does this first',
  `blindsight push photos.blind
   blindsight push photos.blind --list`,
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .option('--list', 'only list what waits')
  .action(async (library: string, options) => (await import('./commands/push.ts')).push(library, options));

command(
  'search <library> <image>',
  'find the pictures most like an image file, or like a stored image',
  `blindsight search photos.blind cat.jpg
   blindsight search photos.blind 0f3a5c...e1 -k 20 --out found`,
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .addOption(new Option('-k <n>', 'matches wanted').argParser(integer(1, 10_000)).default(10))
  .option('--out <dir>', 'decrypt the matches into a folder, with a contact sheet index.html')
  .addOption(
    new Option('--probes <n>', "buckets looked at in each table; default: the library's").argParser(integer(1, 4096)),
  )
  .option('--scan', 'rank the whole library: no prefilter')
  .addOption(
    new Option('--weights <rule>', 'how features are weighed')
      .choices(['adaptive', 'area', 'static', 'entropy', 'equal'])
      .default('adaptive'),
  )
  .action(async (library: string, image: string, options) =>
    (await import('./commands/search.ts')).search(library, image, options),
  );

command(
  'get <library> <id>',
  'decrypt one image: to a file, or to standard output; --json needs a file',
  `blindsight get photos.blind 0f3a5c...e1 -o cat.jpg
   blindsight get photos.blind 0f3a5c...e1 > cat.jpg`,
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .option('-o, --output <file>', 'where to write it')
  .action(async (library: string, id: string, options) =>
    (await import('./commands/get.ts')).get(library, id, options),
  );

command(
  'export <library> <dir>',
  'decrypt every image into a folder, byte for byte, under its old name; overwrites no other file; run it again to go on after a stop',
  `blindsight export photos.blind ~/restored`,
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .action(async (library: string, dir: string, options) =>
    (await import('./commands/export.ts')).exportLibrary(library, dir, options),
  );

command('rm <library> <ids...>', 'delete images', `blindsight rm photos.blind 0f3a5c...e1`)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .action(async (library: string, ids: string[], options) =>
    (await import('./commands/rm.ts')).rm(library, ids, options),
  );

command('info <library>', 'what a library holds', `blindsight info photos.blind --json`)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .action(async (library: string, options) => (await import('./commands/info.ts')).info(library, options));

command(
  'verify <library>',
  'check every checksum and seal, the counts, stray pieces, and that the server keeps no image back and shows no old state; --repair mends what can be mended',
  `blindsight verify photos.blind
   blindsight verify photos.blind --repair
   blindsight verify photos.blind --accept`,
)
  .option('--accept', 'accept the library as it is now, for example after restoring a backup')
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .option('--repair', 'rebuild what follows from the rest; name what is lost; remove nothing but stray pieces')
  .action(async (library: string, options) => (await import('./commands/verify.ts')).verify(library, options));

command(
  'backup <library> <folder>',
  'copy a library, or a store alone, as it is at one moment, also while others use it; needs no passphrase',
  `blindsight backup photos.blind /mnt/disk/photos.blind
   blindsight backup /srv/photos /mnt/disk/store`,
).action(async (library: string, folder: string, options) =>
  (await import('./commands/backup.ts')).backup(library, folder, options),
);

command(
  'publish <library> <folder>',
  'write the files that a worker at the edge reads from a bucket: the index as one file, encrypted images beside it; needs no passphrase',
  `blindsight publish /srv/photos edition`,
).action(async (library: string, folder: string, options) =>
  (await import('./commands/publish.ts')).publish(library, folder, options),
);

prefilterOptions(
  command(
    'reindex <library>',
    'make a new index, with another vocabulary or other parameters; the old one serves until the new one is complete',
    `blindsight reindex photos.blind
   blindsight reindex photos.blind --vocabulary mine.vocabulary
   blindsight reindex photos.blind --family centroids --assigned 2 --probes 24
   blindsight reindex photos.blind --abort`,
  ),
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .option('--vocabulary <file>', 'a vocabulary made by blindsight train; default: the newest of this release')
  .addOption(new Option('--noise <sigma>', 'noise on each stored vector').argParser(number(0, 1024)))
  .addOption(new Option('--split <s>', 'width of the random split').argParser(number(2 ** -10, 1024)))
  .addOption(vectorsOption())
  .option('--abort', 'drop an unfinished reindex')
  .action(async (library: string, options) => (await import('./commands/reindex.ts')).reindexLibrary(library, options));

command(
  'dedupe <library>',
  'find pictures that are the same, or nearly, and remove all but one of each; a dry run unless told --remove',
  `blindsight dedupe photos.blind
   blindsight dedupe photos.blind --exact --keep oldest --remove
   blindsight dedupe photos.blind --distance 0.05 --json`,
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .addOption(
    new Option('--keep <rule>', 'which of a group stays: most pixels, by time of the file, or by path')
      .choices([...KEEP_RULES])
      .default('largest'),
  )
  .addOption(
    new Option(
      '--distance <share>',
      "share of the codes' bits that may differ; a larger one finds more, and more that are no duplicates",
    ).argParser(number(0, 0.5)),
  )
  .option('--exact', 'equal pixels only: opens the pictures whose codes are equal')
  .option('--remove', 'remove what is found')
  .action(async (library: string, options) => (await import('./commands/dedupe.ts')).dedupe(library, options));

command(
  'serve <store>',
  'serve a store over HTTP: a library, its server/ folder alone, or a new folder; needs no passphrase',
  `blindsight credential add users.json anna > anna.token
   blindsight serve /srv/photos --credentials users.json
   blindsight serve photos.blind --credentials users.json --host 0.0.0.0 --port 8080
   blindsight serve photos.blind --ui           the browser page, for this machine alone`,
)
  .option('--credentials <file>', 'who may ask; made by blindsight credential add')
  .option(
    '--ui',
    'serve the browser page too; beside a whole library it also hands its wrapped key to those who may ask',
  )
  .option('--host <address>', 'where to listen; TLS is for a proxy in front', '127.0.0.1')
  .addOption(new Option('--port <n>', '0: any that is free').argParser(integer(0, 65535)).default(4870))
  .addOption(new Option('--rate <n>', 'requests a second of one user').argParser(integer(1, 1_000_000)))
  .addOption(new Option('--max-message <MiB>', 'largest message').argParser(integer(1, 512)))
  .addOption(new Option('--threads <n>', 'threads that rank; default: one a core, at most 8').argParser(integer(1, 64)))
  .addOption(tokenFile())
  .action(async (store: string, options) => (await import('./commands/serve.ts')).serve(store, options));

const credential = program.command('credential').description('who may ask a server: add, revoke, list');

command(
  'add <file> <name>',
  'make a credential, and print its token once',
  `blindsight credential add users.json anna > anna.token
   blindsight credential add users.json tablet --role viewer`,
  credential,
)
  .addOption(
    new Option('--role <role>', 'owner: everything; viewer: search and fetch')
      .choices(['owner', 'viewer'])
      .default('owner'),
  )
  .action(async (file: string, name: string, options) =>
    (await import('./commands/credential.ts')).add(file, name, options),
  );

command(
  'revoke <file> <name>',
  'take a credential away, from the next request on',
  `blindsight credential revoke users.json tablet`,
  credential,
).action(async (file: string, name: string, options) =>
  (await import('./commands/credential.ts')).revoke(file, name, options),
);

command('list <file>', 'names and roles', `blindsight credential list users.json --json`, credential).action(
  async (file: string, options) => (await import('./commands/credential.ts')).list(file, options),
);

command(
  'migrate <library>',
  'change who ranks; codes stay, no picture is opened, and the old index serves until the new one is complete',
  `blindsight migrate photos.blind --ranking client
   blindsight migrate photos.blind --ranking server`,
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .addOption(rankingOption().makeOptionMandatory())
  .action(async (library: string, options) => (await import('./commands/migrate.ts')).migrate(library, options));

command(
  'identity <file>',
  'print the public key that a library is shared to; makes the key pair if there is no such file (the format of age-keygen)',
  `blindsight identity key.txt`,
).action(async (file: string, options) => (await import('./commands/identity.ts')).identity(file, options));

command(
  'share <library>',
  'let someone in: write a grant that only they can open; it holds the key of the library, even for a viewer',
  `blindsight share photos.blind --to age1... --role viewer -o bob.grant
   blindsight share photos.blind --to age1... --server https://photos.example -o bob.grant`,
)
  .addOption(passphraseFile())
  .requiredOption('--to <recipient>', 'age public key (age1...); blindsight identity prints one')
  .addOption(
    new Option('--role <role>', 'owner: adds and removes too; viewer: searches and opens')
      .choices(['owner', 'viewer'])
      .default('viewer'),
  )
  .option('--server <url>', 'where the library is served; default: where its store is')
  .requiredOption('-o, --output <file>', 'where to write the grant')
  .action(async (library: string, options) => (await import('./commands/share.ts')).share(library, options));

command(
  'join <grant> <library>',
  'make a folder of your own for a library you were let into, with a passphrase of your own',
  `blindsight identity key.txt
   blindsight join bob.grant photos.blind --identity key.txt`,
)
  .addOption(passphraseFile())
  .requiredOption('--identity <file>', 'your secret key; made by blindsight identity or age-keygen')
  .action(async (grant: string, library: string, options) =>
    (await import('./commands/join.ts')).join(grant, library, options),
  );

command(
  'rotate <library>',
  'give the library a new key, so that keys handed out before no longer open it; pictures are not encrypted again, and the old key serves until all is changed over',
  `blindsight rotate photos.blind
   blindsight rotate photos.blind --abort`,
)
  .addOption(passphraseFile())
  .addOption(server())
  .addOption(tokenFile())
  .option('--abort', 'drop an unfinished rotation')
  .action(async (library: string, options) => (await import('./commands/rotate.ts')).rotate(library, options));

command(
  'train <folder>',
  'make a vocabulary from a folder of photos; it tells a little about them to everyone who gets it, so take public ones',
  `blindsight train ~/public-photos -o mine.vocabulary
   blindsight train ~/public-photos -o mine.vocabulary --words 500 --cache /tmp/features`,
)
  .requiredOption('-o, --output <file>', 'where to write the vocabulary')
  .option('--labels <file>', 'CSV with path,class: sets the static weights')
  .option('--cache <dir>', 'keep features here, so that training can go on after a stop; default: OUTPUT.features')
  .option('--model <id>', 'model of the manifest')
  .addOption(new Option('--words <n>', 'size of the codebook').argParser(integer(16, 4096)))
  .addOption(new Option('--local <kind>', 'where local features are taken').choices(['keypoint', 'dense']))
  .addOption(new Option('--ehd-bits <n>', 'bits of the code for the edge histogram').argParser(integer(0, 1024)))
  .addOption(new Option('--bow-bits <n>', 'bits for the bag of words').argParser(integer(0, 1024)))
  .addOption(new Option('--deep-bits <n>', 'bits for the deep feature').argParser(integer(0, 1024)))
  .addOption(
    new Option(
      '--centroids <n>',
      'learned buckets; default: 512, or one for every four photos if that is fewer; 0: none',
    ).argParser(integer(0, 4096)),
  )
  .addOption(new Option('--seed <n>', 'of the random choices').argParser(integer(0, 2 ** 32 - 1)).default(1))
  .action(async (folder: string, options) => (await import('./commands/train.ts')).train(folder, options));

prefilterOptions(
  command(
    'eval <folder>',
    'measure retrieval on a labelled folder: class = sub-folder, or --labels',
    `blindsight eval photos/
   blindsight eval photos/ --labels labels.csv --json > result.json
   blindsight eval photos/ --cache /tmp/features --report report/`,
  ),
)
  .option('--report <path>', 'write all figures: report.html and report.json into a folder, or FILE.html and FILE.json')
  .option('--markdown', 'answer with the tables of all figures, as Markdown')
  .addOption(
    new Option('--largest <n>', 'images of the largest collection that the report times')
      .argParser(integer(2, 1_000_000))
      .default(4000),
  )
  .option('--labels <file>', 'CSV with path,class; paths relative to the folder')
  .option('--vocabulary <file>', 'a vocabulary made by blindsight train')
  .option('--cache <dir>', 'keep features here, so that the next run is quick, and a stopped one goes on')
  .option('--plain-only', 'leave out the encrypted side')
  .addOption(new Option('--noise <sigma>', 'noise on each stored vector').argParser(number(0, 1024)))
  .addOption(new Option('--split <s>', 'width of the random split').argParser(number(2 ** -10, 1024)))
  .addOption(vectorsOption())
  .action(async (folder: string, options) => (await import('./commands/eval.ts')).evaluate(folder, options));

command(
  'eval-duplicates <folder>',
  'measure what dedupe finds at each distance, on altered copies of a folder of photos that are all different',
  `blindsight eval-duplicates caltech101/ --cache /tmp/features`,
)
  .option('--vocabulary <file>', 'a vocabulary made by blindsight train')
  .option('--cache <dir>', 'keep features here, so that the next run is quick, and a stopped one goes on')
  .addOption(
    new Option('--every <n>', 'altered copies are made of every n-th photo').argParser(integer(1, 1000)).default(10),
  )
  .addOption(
    new Option('--precision <share>', 'share of the pairs found that must be true ones')
      .argParser(number(0, 1))
      .default(0.99),
  )
  .action(async (folder: string, options) =>
    (await import('./commands/eval-duplicates.ts')).evaluateDuplicates(folder, options),
  );

command(
  'tune [library]',
  'find the tokens that narrow a search down best, measured on your photos; changes nothing, and prints the reindex command that would',
  `blindsight tune photos.blind --recall 0.95
   blindsight tune photos.blind --family lsh --max-tokens 1024
   blindsight tune --photos ~/Pictures --cache /tmp/features --json`,
)
  .addOption(passphraseFile())
  .addOption(recoveryFile())
  .addOption(server())
  .addOption(tokenFile())
  .option('--photos <folder>', 'measure on these photos, without a library')
  .option('--vocabulary <file>', 'with --photos: a vocabulary made by blindsight train')
  .option('--cache <dir>', 'keep features of --photos here, so that the next run is quick')
  .addOption(new Option('--family <name>', 'this family only').choices(['lsh', 'centroids']))
  .addOption(
    new Option('--recall <share>', "share of a full scan's first 20 that must be found")
      .argParser(number(0, 1))
      .default(0.95),
  )
  .addOption(
    new Option('--max-touched <share>', 'share of the photos that a search may rank')
      .argParser(number(0, 1))
      .default(0.08),
  )
  .addOption(new Option('--max-tokens <n>', 'most tokens a query').argParser(integer(1, 65_536)).default(32))
  .action(async (library: string | undefined, options) => (await import('./commands/tune.ts')).tune(library, options));

command(
  'attack [library]',
  'show what a server can work out from what it stores of your library; or of a folder of photos, over many parameters',
  `blindsight attack photos.blind
   blindsight attack --photos ~/Pictures --full --cache /tmp/features`,
)
  .addOption(passphraseFile())
  .addOption(recoveryFile())
  .option('--photos <folder>', 'attack an index of these photos, made for the occasion')
  .option('--cache <dir>', 'keep features of --photos here, so that the next run is quick')
  .option(
    '--full',
    'also the logistic stream alone; with --photos, every noise, split, format of vectors and number of known images',
  )
  .addOption(new Option('--limit <n>', 'with --photos: the first n of them').argParser(integer(40, 1_000_000)))
  .action(async (library: string | undefined, options) =>
    (await import('./commands/attack.ts')).attack(library, options),
  );

const models = program
  .command('models')
  .description('the networks behind the deep feature: list, pull, use, import, measure');
models.addHelpText('after', '\nExamples:\n  $ blindsight models list\n  $ blindsight models pull densenet121-imagenet');

command('list', 'models that are here, and models that can be fetched', 'blindsight models list', models).action(
  async (options) => (await import('./commands/models.ts')).list(options),
);

command(
  'pull <name>',
  'fetch a model, and check it; run it again to go on after a stop',
  `blindsight models pull densenet121-imagenet
   blindsight models pull densenet121-imagenet --from https://mirror.example/densenet-12.onnx`,
  models,
)
  .option('--from <url>', 'take the same file from another place')
  .action(async (name: string, options) => (await import('./commands/models.ts')).pull(name, options));

command(
  'use <name> [libraries...]',
  'make a model the default, and say what has to be reindexed',
  `blindsight models use densenet121-imagenet photos.blind
   blindsight models use densenet121-imagenet --vocabulary mine.vocabulary`,
  models,
)
  .option('--vocabulary <file>', 'a vocabulary trained with it: the default of init and reindex from now on')
  .action(async (name: string, libraries: string[], options) =>
    (await import('./commands/models.ts')).use(name, libraries, options),
  );

command(
  'import <file>',
  "take an ONNX file of one's own: one input [N, 3, height, width], normalised as ImageNet networks expect",
  `blindsight models import resnet50.onnx
   blindsight models import features.onnx --name mine --output pooled --side 192`,
  models,
)
  .option('--name <name>', 'what it is called here; default: as the file')
  .option('--output <tensor>', 'the descriptor; default: what the one GlobalAveragePool gives')
  .addOption(new Option('--side <pixels>', 'for a network that takes any size').argParser(integer(32, 1024)))
  .option('--bgr', 'its planes are blue, green, red')
  .action(async (file: string, options) => (await import('./commands/models.ts')).importFile(file, options));

const oneThread = [1];
const measured: { folder: string; labels?: string }[] = [];
command(
  'measure <models...>',
  'float cosine on labelled folders, and time, of models side by side',
  `blindsight models measure densenet121-distilled other.onnx@160 --photos corel1k --labels corel1k/labels.csv --mean-photos caltech101
   blindsight models measure a.onnx b.onnx@224-square --photos corel1k --photos other --mean-photos caltech101 --cache /tmp/features --threads 1 2`,
  models,
)
  .addOption(
    new Option('--photos <folder>', 'labelled photos: class = sub-folder, or --labels behind it; may be given again')
      .argParser((folder: string) => {
        measured.push({ folder });
        return measured;
      })
      .makeOptionMandatory(),
  )
  .addOption(
    new Option('--labels <file>', 'CSV with path,class, of the --photos before it').argParser((labels: string) => {
      const last = measured.at(-1);
      if (last === undefined || last.labels !== undefined)
        throw new InvalidArgumentError('Expected --photos before it.');
      last.labels = labels;
      return labels;
    }),
  )
  .requiredOption(
    '--mean-photos <folder>',
    'photos whose mean is subtracted; those that are measured are left out of it',
  )
  .option('--cache <dir>', 'keep descriptors here, so that a stopped run goes on')
  .addOption(
    new Option('--threads <n...>', 'numbers of threads to time with')
      .argParser((text: string, before: number[]) => [...(before === oneThread ? [] : before), integer(1, 64)(text)])
      .default(oneThread),
  )
  .addOption(new Option('--timed <n>', 'photos to time; 0: none').argParser(integer(0, 10_000)).default(16))
  .action(async (specs: string[], options) => (await import('./commands/measure.ts')).measure(specs, options));

command(
  'demo [folder]',
  'see it work in a temporary library: on sample photos, or on your own folder',
  `blindsight demo
   blindsight demo ~/Pictures --out /tmp/demo`,
)
  .option('--out <dir>', 'where to write the contact sheet')
  .action(async (folder: string | undefined, options) => (await import('./commands/demo.ts')).demo(folder, options));

// A reader that has seen enough (`| head`) is no failure; a full disk behind `>` is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  printError({}, error);
  process.exit(1);
});
// Remarks and progress that nobody reads are no reason to stop.
process.stderr.on('error', () => undefined);

for (const made of [program, ...program.commands.flatMap((group) => [group, ...group.commands])]) made.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    const json = process.argv.includes('--json');
    const common: Common = json ? { json } : {};
    printError(common, error);
    process.exitCode = exitCode(error);
  }
}
