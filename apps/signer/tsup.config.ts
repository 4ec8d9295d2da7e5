import { library } from '@securemem/presets/tsup';

export default library(
  {
    main: 'src/main.ts',
    demo: 'src/demo.ts',
    storm: 'src/storm.ts',
    'signing-process': 'src/storm/signing-process.ts',
  },
  { format: ['esm'], dts: false },
);
