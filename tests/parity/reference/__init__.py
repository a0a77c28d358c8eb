"""An independent forward pass of every architecture that continues text, in numpy and double precision.

    import reference
    [logits] = reference.logits("model.gguf", [[3, 10, 17]])

It shares no code with the engine and takes no short cuts: all positions at once, weights unpacked without
rounding, heads decompressed, experts one after the other. What each architecture does is in `families`, one
function a block, from its paper; what they share, in the files beside this one.
"""
from .families import ARCHITECTURES
from .gguf import Model
from .layer import Layer, Part


def n_layers(model):
    """Without those that predict further tokens, which come last."""
    return model["block_count"] - model.get("nextn_predict_layers", 0)


def architecture_of(model):
    if model.architecture not in ARCHITECTURES:
        raise ValueError("architecture %s is not known here; known are %s" %
                         (model.architecture, ", ".join(sorted(ARCHITECTURES))))
    return ARCHITECTURES[model.architecture]


def states(model, texts, context=None):
    """What the last layer gives: for each text [token][value].

    @param context  tokens that the context has room for, from which LongRoPE chooses; else as many as are used
    """
    architecture = architecture_of(model)
    context = context or max(map(len, texts))
    rows = [model.rows("token_embd.weight", tokens) * architecture.embedding_scale(model) for tokens in texts]
    for index in range(n_layers(model)):
        layer = Layer(model, index, context)
        rows = [architecture.block(layer, x) for x in rows]
    return rows


def logits(path, texts, context=None):
    """For each text [token][token of the vocabulary]."""
    model = Model(path)
    architecture, ends = architecture_of(model), Part(model)
    output = "output" if "output" in ends else "token_embd"
    return [architecture.finish(model, ends.linear(output, ends.norm(architecture.norm_at_end, x)))
            for x in states(model, texts, context)]
