"""All weights of a T5 tuned on Mesh TensorFlow: the paper's ModelTuning (2.1.1)."""
