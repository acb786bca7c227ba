"""Writes the models of `deepstack bench models`: the same random weights as .pt2, TorchScript and ONNX.

    pip install torch==2.14.1 torchvision transformers safetensors onnx onnxscript
    python bench/models/large.py FOLDER

ResNet-50 and MobileNetV2 as torchvision has them (one image of 224 x 224), BERT-base as transformers has it (128 tokens).
About 1.8 GB; none of it is committed. Batch norms get means and variances like those of their inputs, so that
numbers stay in range, and so that nothing can be left out because it is zero or one.
"""

import pathlib
import sys

import torch
import torch.nn as nn
from safetensors.torch import save_file

from make import strip

TOKENS = 128


class Encoder(nn.Module):
    """token ids -> hidden states of the last layer; every token counts, so there is no mask"""

    def __init__(self, bert):
        super().__init__()
        self.bert = bert

    def forward(self, ids):
        return self.bert(ids).last_hidden_state


def bert_base():
    from transformers import BertConfig, BertModel

    config = BertConfig(attn_implementation="sdpa")
    model = Encoder(BertModel(config, add_pooling_layer=False))
    return model, torch.randint(0, config.vocab_size, (1, TOKENS))


def image_model(name):
    import torchvision

    model = getattr(torchvision.models, name)(weights=None)
    image = torch.randn(1, 3, 224, 224)
    model.train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # the running statistics become averages of what is seen
                module.weight.uniform_(0.5, 1.0)
                module.bias.uniform_(-0.2, 0.2)
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        model(torch.cat([image, torch.randn(1, 3, 224, 224)]))
    return model, image


MODELS = dict(
    resnet50=lambda: image_model("resnet50"),
    bert_base=bert_base,
    mobilenet_v2=lambda: image_model("mobilenet_v2"),
)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(50)
    for name, make in MODELS.items():
        model, x = make()
        model.eval()
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        file = lambda ending: folder / f"{name}.{ending}"
        with torch.no_grad():
            y = model(x)
            torch.export.save(strip(torch.export.export(model, (x,), strict=False)), file("pt2"))
            torch.jit.trace(model, x, check_trace=False).save(file("ts"))
            torch.onnx.export(
                model, (x,), file("onnx"), input_names=["x"], opset_version=18, dynamo=True, external_data=False
            )
            save_file(dict(in0=x, out0=y.contiguous().clone()), file("safetensors"))
        print(name, sum(p.numel() for p in model.parameters()), "parameters, largest output", float(y.abs().max()))


if __name__ == "__main__":
    main()
