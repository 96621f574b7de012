//! Typical slips of the command line, each answered with what to type instead. None opens an adapter.

use crate::command::wgrad;

/// A command line with a slip, and what the answer names.
const SLIPS: &[(&str, &str)] = &[
    // Networks.
    ("train ccn", "did you mean `cnn`?"),
    ("train --model Cnn", "did you mean `cnn`?"),
    ("train --model cnn_bn", "did you mean `cnn-bn`?"),
    ("train --model resnt", "did you mean `resnet`?"),
    ("train lsmt", "did you mean `lstm`?"),
    ("train --recipe ccn", "a similar value exists: 'cnn'"),
    ("train --recipe speedrun90", "a similar value exists: 'speedrun-90'"),
    ("models linaer", "did you mean `linear`?"),
    ("models --model vggg", "did you mean `vgg`?"),
    ("check mpl", "did you mean `mlp`?"),
    ("bench --model gruu", "did you mean `gru`?"),
    ("tune cn", "did you mean `cnn`?"),
    ("profile nlp", "did you mean `mlp`?"),
    ("lr-find mlp2", "did you mean `mlp`?"),
    ("train cnn --model mlp", "cannot be used with"),
    // Commands and options.
    ("trian", "'train'"),
    ("evaluate runs/mlp-1", "use 'wgrad eval'"),
    ("fit mlp", "use 'wgrad train'"),
    ("remove mlp-1", "use 'wgrad rm'"),
    ("ls", "use 'wgrad runs'"),
    ("devices", "use 'wgrad adapters'"),
    ("download mnist", "use 'wgrad data fetch'"),
    ("model", "'models'"),
    ("adapter", "'adapters'"),
    ("train --epoch 3", "'--epochs'"),
    ("train --batchsize 32", "'--batch'"),
    ("train --optimiser adam", "'--optimizer'"),
    ("train --learning_rate 0.1", "use '--lr'"),
    ("train --batch-size 32", "use '--batch'"),
    ("train --validation-split 0.1", "use '--validation'"),
    ("train --device cpu", "use '--adapter'"),
    ("train --early-stopping 3", "use '--patience'"),
    ("train --verbose", "progress is shown"),
    ("train --dropout 0.5", "models --template"),
    ("train --metrics accuracy", "eval RUN"),
    ("train -e 5", "use '--epochs'"),
    ("lab train cnn --batch-size 32", "use '--batch'"),
    ("train --label_smoothing 0.1", "'--label-smoothing'"),
    ("train --weight_decay 0.1", "'--weight-decay'"),
    ("train --warmup 100", "'--warmup-steps'"),
    ("train --scheduler cosine", "'--schedule'"),
    ("lab matmul --variants tiled", "'--variant'"),
    // Operations and variants.
    ("lab matmull", "did you mean `matmul`?"),
    ("lab conv2d", "did you mean `conv2d_forward`?"),
    ("lab softmax_forwrad", "did you mean `softmax_forward`?"),
    ("lab MatMul", "did you mean `matmul`?"),
    ("lab max-pool2d-grad", "did you mean `max_pool2d_grad`?"),
    ("lab matmul --variant naiv", "did you mean `naive`?"),
    ("train --variant matmull=naive", "did you mean `matmul`?"),
    ("train --variant matmul=nave", "did you mean `naive`?"),
    // Data sets, methods and other names.
    ("train --data fashion_mnist", "did you mean `fashion-mnist`?"),
    ("train --data cifar-10", "did you mean `cifar10`?"),
    ("train --data mnsit", "did you mean `mnist`?"),
    ("data info --data sythetic", "did you mean `synthetic`?"),
    ("train --optimizer adm", "a similar value exists: 'adam'"),
    ("train --optimizer rms-prop", "a similar value exists: 'rmsprop'"),
    ("train --optimizer SGD", "a similar value exists: 'sgd'"),
    ("train --schedule onecycle", "a similar value exists: 'one-cycle'"),
    ("train --monitor val_los", "a similar value exists: 'val_loss'"),
    ("train --loss mean_square_error", "did you mean `mean_squared_error`?"),
    ("train --loss softmax-cross-entropy", "did you mean `softmax_cross_entropy`?"),
    ("train --missing means", "expected error, drop or mean"),
    // Values.
    ("train --epochs five", "expected a whole number from 0 on, such as 8"),
    ("train --epochs -1", "expected a whole number from 0 on, such as 8"),
    ("train --seed 1.5", "expected a whole number from 0 on, such as 8"),
    ("train --seed -1", "expected a whole number from 0 on, such as 8"),
    ("train --lr abc", "expected a number, such as 0.05"),
    ("train --lr=", "expected a number, such as 0.05"),
    ("train --epochs 99999999999999999999999", "expected a smaller number"),
    ("train --validation 20%", "20% is 0.2"),
    ("train --target price", "`label` names the column"),
    ("train --batch 0", "--batch is 0, expected at least 1"),
    ("train --lr -1", "--lr is -1"),
    ("lab matmul --seconds fast", "expected a number of seconds from 0 to 3600"),
    ("train --augment flipp", "expected a list such as flip,shift=2"),
    // Runs.
    ("eval lates", "is not a run"),
    ("eval mlp-99", "runs` lists them"),
    ("train --resume nowhere", "is not a run"),
    ("report", "<RUN>"),
    ("compare", "<RUN>..."),
    ("rm", "<RUN>..."),
    ("sweep --gird lr=0.1", "'--grid'"),
    ("sweep --grid lr", "expected NAME=A,B,..."),
    ("sweep --grid learning-rate=0.1", "there is no option `learning-rate`"),
    ("sweep --grid optimiser=adam", "did you mean `optimizer`?"),
    ("sweep --random lr=0.1-1 --trials 3", "expected a number, such as 0.05"),
    ("sweep --resume lates", "is not a sweep"),
    ("rm mlp-99 --yes", "is not a run"),
    ("rm mlp-99 --force", "use '--yes'"),
    ("compare mlp-98 mlp-99", "is not a run"),
    ("comprae mlp-1 mlp-2", "'compare'"),
    ("config lates", "is not a run"),
    ("config", "<RUN>"),
    ("train --confg run.toml", "'--config'"),
    ("train --config run.tml", "config RUN` prints the settings of a run"),
    ("train --config=", "a value is required"),
    ("train --kernels mlp-99", "is not a run"),
];

/// Model files with a slip, and what the answer names.
const FILES: &[(&str, &str)] = &[
    ("type = \"Dens\"\nunits = 10", "did you mean `Dense`?"),
    ("type = \"conv2d\"\nfilters = 8", "did you mean `Conv2D`?"),
    ("type = \"Dropuot\"\nrate = 0.5", "did you mean `Dropout`?"),
    ("type = \"Dense\"\nunit = 10", "did you mean `units`?"),
    ("type = \"Dense\"\nunits = 10\nactivation = \"softmx\"", "did you mean `softmax`?"),
    ("type = \"Dense\"\nunits = 10\nactivaton = \"relu\"", "did you mean `activation`?"),
];

#[test]
fn typical_slips_are_answered_with_what_to_type_instead() {
    let folder = tempfile::tempdir().unwrap();
    for (line, answer) in SLIPS {
        let words: Vec<&str> = line.split(' ').collect();
        let ended = wgrad(&words).inside(folder.path()).end().with(2);
        assert!(ended.stderr.contains(answer), "wgrad {line}: no {answer:?} in\n{}", ended.stderr);
        assert_eq!(ended.stdout, "", "wgrad {line}");
    }
}

#[test]
fn slips_in_a_model_file_are_answered_with_what_to_write_instead() {
    let folder = tempfile::tempdir().unwrap();
    for (layer, answer) in FILES {
        std::fs::write(folder.path().join("net.toml"), format!("name = \"net\"\n[[layers]]\n{layer}\n"))
            .unwrap();
        let ended = wgrad(&["models", "net.toml"]).inside(folder.path()).end().with(2);
        assert!(ended.stderr.contains(answer), "{layer}: no {answer:?} in\n{}", ended.stderr);
    }
}

#[test]
fn a_network_is_an_argument_or_an_option() {
    for line in ["models cnn --json", "models --model cnn --json"] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(wgrad(&words).end().with(0).json()[0]["network"], "cnn", "{line}");
    }
}
