//! The signal game (Lazaridou, Peysakhovich & Baroni, [Multi-Agent Cooperation and the Emergence of
//! (Natural) Language](https://arxiv.org/abs/1612.07182), 2017): a sender sees an example of a concept
//! and sends one symbol; a receiver sees candidates of distinct concepts, the sender's example among
//! them, and picks one. Symbols have no meaning but what the two make of them.
//!
//! The symbol is the discrete latent variable. Its expectation over the whole vocabulary is what makes
//! dense marginalization expensive here, and sparse marginalization cheap.

mod config;
mod evaluate;
mod games;
mod learner;
mod loss;
mod networks;
mod pictures;
mod run;
mod settings;
mod slots;

pub use config::{Agents, SignalGameConfig};
pub use evaluate::{SignalGameTest, evaluate};
pub use games::{ChosenGames, Game, GamePlan, TrainingGames};
pub use learner::{SignalGameLearner, SignalGameOutput};
pub use loss::{GameBatch, GameLosses, Outlook};
pub use networks::{FilterSender, Receiver, Sender, SignalGame, Vision};
pub use pictures::draw_pictures;
pub use run::SignalGameRun;
pub use settings::{SignalGameData, SignalGameSettings, UnknownData};
