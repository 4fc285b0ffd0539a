"""How the model `english` was pre-trained: open text in, a Hugging Face folder out.

``python -m spotfw_english.pretraining --help`` runs it. From text to model:

- `vocabulary`: pieces learned from the text.
- `texts`: every line and its tokens, kept on the disk.
- `made`: short tasks whose answers come from the text itself, or from a source's own mark-up.
- `noise`, `batches`: span corruption, prefix LM and made tasks as rows of one fixed shape.
- `model`, `beginnings`, `optimizers`, `training`: a T5 1.1 for such rows, and its training.
- `export`: the weights as they are released.

PyTorch is needed from `model` on: ``pip install 'spotfw-english[pretrain]'``.
"""
