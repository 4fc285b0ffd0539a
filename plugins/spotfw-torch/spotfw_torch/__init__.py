"""Many soft prompts at once over one frozen T5, in PyTorch."""

from spotfw_torch.cohort import Cohort as Cohort
from spotfw_torch.dimensions import Dimensions as Dimensions
from spotfw_torch.errors import ModelFolderError as ModelFolderError
from spotfw_torch.examples import Examples as Examples
from spotfw_torch.greedy import greedy as greedy
from spotfw_torch.loss import loss_and_gradient as loss_and_gradient
from spotfw_torch.member import Member as Member
from spotfw_torch.member import MemberReport as MemberReport
from spotfw_torch.member import MemberState as MemberState
from spotfw_torch.member import Tuned as Tuned
from spotfw_torch.model import FrozenT5 as FrozenT5
from spotfw_torch.model import load as load
from spotfw_torch.neurons import activations as activations
from spotfw_torch.scoring import example_losses as example_losses
from spotfw_torch.scoring import label_scores as label_scores
from spotfw_torch.scoring import mean_loss as mean_loss
from spotfw_torch.tune import tune as tune
