"""What other engines got wrong in these architectures, and the test that would catch it here.

make_models_page.py writes the table and sees that each test is there. "NAME: mistake" stands for
Architecture.MistakesInTheDescriptionShow, which makes that mistake in the tiny model NAME and sees that
llama.cpp's values are missed; "Golden" for its sister, LogProbabilitiesEqualLlamaCppHoweverThePromptIsCut;
"Parity" for the comparison with the values of make_parity.py (numpy).
"""
TRAPS = {
    "deepseek2": [
        ("pairs of neighbours rotate, on the last part of a query and the shared key alone",
         ["deepseek3: pairs", "Parity deepseek2", "Golden deepseek3"]),
        ("`attn_kv_a_norm` covers the latents, not the rotated key", ["Parity deepseek2", "Parity deepseek3"]),
        ("YaRN's range over the original context; the softmax scale with `yarn_log_multiplier`",
         ["Parity deepseek2", "DeepSeekTraps.YarnWithoutItsKeyScalesBothAsLlamaCpp",
          "Golden deepseek2-yarn"]),
        ("`expert_gating_func` missing: softmax, but sigmoid in GLM-4.7-Flash's shape",
         ["DeepSeekTraps.ScoreWithoutItsKeyIsSoftmaxButForGlm"]),
        ("the bias chooses, the unbiased scores weigh", ["Router.BiasChangesTheChoiceButNotTheWeights"]),
        ("a group counts by its two best biased scores, and what is left out is out",
         ["Router.GroupsCountByTheirTwoBest", "Router.GroupsCountWithBiasAndOthersAreOutEvenIfScoresAreNegative"]),
        ("normalized only if the file says so, then scaled; a scale of 0 is none; the sum is bounded below",
         ["DeepSeekTraps.WeightsAreNotNormalizedUnlessTheFileSaysSoAndAScaleOfZeroIsNone",
          "Router.ScaleComesAfterNormalization", "Router.NormalizationOfTinyScoresStaysFinite"]),
        ("shared experts are one network; leading dense layers of another width",
         ["deepseek3: shared", "Parity deepseek3"]),
        ("queries with `q_lora` and without", ["Parity deepseek3", "Parity deepseek2"]),
        ("`attn_k_b` and `attn_v_b`, or one `attn_kv_b`", ["Parity deepseek2", "Parity deepseek2-legacy"]),
        ("layers that predict further tokens are not run with the others, and guess if that is asked for",
         ["DeepSeekTraps.PredictingLayersAreNotRun", "Golden deepseek2-mtp",
          "Prediction.RandomWeightsGiveTheSameAnswersAsWithoutIt"]),
        ("queries grow with the text in Mistral Large 3; `attn_factor` counts for all of a head",
         ["deepseek2-growth: query growth", "Golden deepseek2-growth"]),
    ],
    "glm4": [
        ("halves rotate in the models that see, neighbours in the others", ["glm4-sections: pairs", "glm4: pairs"]),
    ],
    "llama4": [
        ("the file's divisors of angles count in the layers with chunks, too", ["Golden llama4-divided"]),
        ("chunks of 8,192 tokens whatever the file says", ["Llama4.ChunksAreOfItsOwnSizeWhateverTheFileSays"]),
    ],
    "all with windows": [
        ("the file may list the layers with windows, or say that all have one", ["Golden gemma3-list",
                                                                               "Golden gpt-oss-local"]),
        ("layers with windows may turn by a base of their own", ["gpt-oss-local: local rope", "gemma3: local rope"]),
    ],
    "qwen3moe": [
        ("queries and keys are normalized head by head, before they rotate",
         ["qwen3moe: query norm", "Golden qwen3moe"]),
        ("halves rotate", ["qwen3moe: pairs"]),
        ("weights are always normalized", ["qwen3moe: normalized"]),
        ("heads together are wider than the embedding", ["Golden qwen3moe"]),
    ],
    "olmoe": [
        ("queries and keys are normalized over all heads", ["olmoe: query norm", "Golden olmoe"]),
        ("halves rotate", ["olmoe: pairs"]),
        ("weights are not normalized", ["olmoe: normalized"]),
        ("epsilon 1e-5", ["OlmoeTraps.EpsilonIsThatOfTheFile"]),
    ],
    "granitemoe": [
        ("scales of embedding, branches, attention and (divided) logits",
         ["granitemoe: embedding scale", "granitemoe: residual scale", "granitemoe: attention scale",
          "granitemoe: logit scale"]),
        ("the embedding is the output matrix", ["Golden granitemoe"]),
        ("neighbours rotate", ["granitemoe: pairs"]),
    ],
    "command-r, cohere2": [
        ("LayerNorm, which takes the mean away", ["command-r: norm kind", "cohere2: norm kind"]),
        ("both blocks read the same stream", ["Golden command-r"]),
        ("windows in three layers of four, and no positions in the fourth", ["cohere2: window", "cohere2: no position"]),
        ("logits are multiplied, where Granite divides them", ["command-r: logit scale"]),
    ],
    "command-r": [
        ("in R+ each head normalizes its queries and keys with weights of its own",
         ["command-r-plus: query norm", "Golden command-r-plus"]),
    ],
    "qwen3next": [
        ("early files hold what a delta net reads as one tensor, by heads of keys",
         ["Golden qwen3next-by-heads", "Qwen3Next.OneTensorByHeadsGivesTheLogitsOfTwo"]),
    ],
    "hunyuan-dense, hunyuan-moe": [
        ("heads are normalized behind the rotation",
         ["hunyuan-dense: norm behind rotation", "hunyuan-moe: norm behind rotation"]),
    ],
    "lfm2, granitehybrid": [
        ("a list of heads says which layers attend", ["Lfm2.RefusesListsOfHeadsThatItWouldMisread", "Golden lfm2"]),
        ("a state that has gone past a position cannot be cut back",
         ["RecurrentSession.GoesBackToTheStateBeforeABatch"]),
    ],
    "mistral3": [
        ("queries grow with the text", ["mistral3: query growth"]),
        ("YaRN's range is the file's, and its magnitude may be taken back", ["mistral3: yarn's turns",
                                                                          "mistral3: magnitude"]),
    ],
    "olmo2, exaone4": [
        ("blocks are normalized behind, not before", ["olmo2: norm after", "exaone4: norm after"]),
        ("windows in the large EXAONE alone", ["Exaone4.SeesWindowsInThreeOfFourLayersOfTheLargeModel"]),
    ],
    "llama, with experts": [
        ("softmax over all, the two best, normalized",
         ["mixtral: normalized", "Router.SoftmaxIsOverAllExpertsAndNotNormalizedUnlessAsked"]),
        ("bytes for unknown characters, a space before the text",
         ["SpmTokenizer.FallsBackToBytesOrUnknown", "SpmTokenizer.PutsASpaceBeforeTextAndTakesItAway"]),
        ("a tensor for each expert, as in old files", ["Parity mixtral-split"]),
    ],
    "all": [
        ("tensors that nothing reads tell of another architecture", ["Weights.NameTensorsThatNothingReads",
                                                                         "DamagedEncoder.TensorThatNothingReadsIsNamed"]),
        ("rows that blocks do not divide are of another type; the output matrix is Q6_K",
         ["EveryType.FallsBackWhereRowsDoNotDivide", "Quantize.WritesTheFilesOfLlamaCpp"]),
        ("every type in every place, embeddings too; routers in F32", ["EveryType.WorksInEveryPlace"]),
        ("ties go to the lower expert", ["Router.TiesGoToTheLowerExpert"]),
        ("sums of 8-bit products saturate in `maddubs`",
         ["Kernels.ExtremeIntegersDoNotSaturate", "Packed.ExtremeIntegersDoNotSaturate"]),
        ("pre-tokenizers of olmoe, qwen3, V2, V3 and granite", ["PreTokenizers.OfTheseModelsAreKnown"]),
        ("BOS once, and only where the file wants it",
         ["SpmTokenizer.PutsBosFirstOnce", "SpmTokenizer.PutsBosOnlyWhereTheFileDoesNotForbidIt"]),
    ],
}
