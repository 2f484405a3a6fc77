"""The columns of the ``ta`` library: how each is made, or why it may not be used.

Names and periods are those of ``ta.add_all_ta_features``. Warm-ups are measured, with margin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Unit = Literal["pure", "level", "price"]
SETTLED = 0.01  # of an indicator's standard deviation: what older history may still move


@dataclass(frozen=True, slots=True)
class Indicator:
    """How one column is made.

    Attributes
    ----------
    path : str
        Module and class inside ``ta``.
    method : str
        Method of the class that gives the column.
    warmup : int
        Bars it needs until older ones move it by less than ``SETTLED``; measured with margin.
    unit : str
        ``pure``: without unit, used as it is. ``level``: a price, used as value / close - 1.
        ``price``: a price difference, used as value / close.
    params : mapping
        Where ``add_all_ta_features`` differs from the class's own defaults.
    """

    path: str
    method: str
    warmup: int
    unit: Unit = "pure"
    params: Mapping[str, Any] = field(default_factory=dict)


def _family(
    path: str, warmup: int, unit: Unit, methods: str, **params: Any
) -> dict[str, Indicator]:
    """Columns of one class, written ``column=method``."""
    pairs = (item.split("=") for item in methods.split())
    return {name: Indicator(path, method, warmup, unit, params) for name, method in pairs}


INDICATORS: Mapping[str, Indicator] = {
    **_family("momentum.AwesomeOscillatorIndicator", 34, "price", "momentum_ao=awesome_oscillator"),
    **_family("momentum.KAMAIndicator", 160, "level", "momentum_kama=kama"),
    **_family(
        "momentum.PercentagePriceOscillator",
        110,
        "pure",
        "momentum_ppo=ppo momentum_ppo_signal=ppo_signal momentum_ppo_hist=ppo_hist",
    ),
    **_family(
        "momentum.PercentageVolumeOscillator",
        125,
        "pure",
        "momentum_pvo=pvo momentum_pvo_signal=pvo_signal momentum_pvo_hist=pvo_hist",
    ),
    **_family("momentum.ROCIndicator", 13, "pure", "momentum_roc=roc"),
    **_family("momentum.RSIIndicator", 110, "pure", "momentum_rsi=rsi"),
    **_family(
        "momentum.StochRSIIndicator",
        120,
        "pure",
        "momentum_stoch_rsi=stochrsi momentum_stoch_rsi_k=stochrsi_k "
        "momentum_stoch_rsi_d=stochrsi_d",
    ),
    **_family(
        "momentum.StochasticOscillator",
        16,
        "pure",
        "momentum_stoch=stoch momentum_stoch_signal=stoch_signal",
    ),
    **_family("momentum.TSIIndicator", 130, "pure", "momentum_tsi=tsi"),
    **_family("momentum.UltimateOscillator", 29, "pure", "momentum_uo=ultimate_oscillator"),
    **_family("momentum.WilliamsRIndicator", 14, "pure", "momentum_wr=williams_r"),
    **_family(
        "trend.ADXIndicator",
        150,
        "pure",
        "trend_adx=adx trend_adx_pos=adx_pos trend_adx_neg=adx_neg",
    ),
    **_family(
        "trend.AroonIndicator",
        26,
        "pure",
        "trend_aroon_up=aroon_up trend_aroon_down=aroon_down trend_aroon_ind=aroon_indicator",
    ),
    **_family("trend.CCIIndicator", 20, "pure", "trend_cci=cci"),
    **_family("trend.DPOIndicator", 21, "price", "trend_dpo=dpo"),
    **_family("trend.EMAIndicator", 50, "level", "trend_ema_fast=ema_indicator", window=12),
    **_family("trend.EMAIndicator", 95, "level", "trend_ema_slow=ema_indicator", window=26),
    **_family(
        "trend.IchimokuIndicator",
        52,
        "level",
        "trend_ichimoku_conv=ichimoku_conversion_line trend_ichimoku_base=ichimoku_base_line "
        "trend_ichimoku_a=ichimoku_a trend_ichimoku_b=ichimoku_b",
    ),
    **_family(
        "trend.MACD",
        110,
        "price",
        "trend_macd=macd trend_macd_signal=macd_signal trend_macd_diff=macd_diff",
    ),
    **_family("trend.MassIndex", 75, "pure", "trend_mass_index=mass_index"),
    **_family(
        "trend.PSARIndicator",
        100,
        "pure",
        "trend_psar_up_indicator=psar_up_indicator trend_psar_down_indicator=psar_down_indicator",
    ),
    **_family("trend.SMAIndicator", 12, "level", "trend_sma_fast=sma_indicator", window=12),
    **_family("trend.SMAIndicator", 26, "level", "trend_sma_slow=sma_indicator", window=26),
    **_family("trend.STCIndicator", 300, "pure", "trend_stc=stc"),
    **_family("trend.TRIXIndicator", 100, "pure", "trend_trix=trix"),
    **_family(
        "trend.VortexIndicator",
        15,
        "pure",
        "trend_vortex_ind_pos=vortex_indicator_pos trend_vortex_ind_neg=vortex_indicator_neg "
        "trend_vortex_ind_diff=vortex_indicator_diff",
    ),
    **_family(
        "volatility.AverageTrueRange",
        65,
        "price",
        "volatility_atr=average_true_range",
        window=10,
    ),
    **_family(
        "volatility.BollingerBands",
        20,
        "level",
        "volatility_bbm=bollinger_mavg volatility_bbh=bollinger_hband "
        "volatility_bbl=bollinger_lband",
    ),
    **_family(
        "volatility.BollingerBands",
        20,
        "pure",
        "volatility_bbw=bollinger_wband volatility_bbp=bollinger_pband "
        "volatility_bbhi=bollinger_hband_indicator volatility_bbli=bollinger_lband_indicator",
    ),
    **_family(
        "volatility.DonchianChannel",
        20,
        "level",
        "volatility_dcm=donchian_channel_mband volatility_dch=donchian_channel_hband "
        "volatility_dcl=donchian_channel_lband",
    ),
    **_family(
        "volatility.DonchianChannel",
        20,
        "pure",
        "volatility_dcw=donchian_channel_wband volatility_dcp=donchian_channel_pband",
    ),
    **_family(
        "volatility.KeltnerChannel",
        20,
        "level",
        "volatility_kcc=keltner_channel_mband volatility_kch=keltner_channel_hband "
        "volatility_kcl=keltner_channel_lband",
        window=10,
    ),
    **_family(
        "volatility.KeltnerChannel",
        20,
        "pure",
        "volatility_kcw=keltner_channel_wband volatility_kcp=keltner_channel_pband "
        "volatility_kchi=keltner_channel_hband_indicator "
        "volatility_kcli=keltner_channel_lband_indicator",
        window=10,
    ),
    **_family("volatility.UlcerIndex", 28, "pure", "volatility_ui=ulcer_index"),
    **_family("volume.ChaikinMoneyFlowIndicator", 20, "pure", "volume_cmf=chaikin_money_flow"),
    **_family("volume.MFIIndicator", 15, "pure", "volume_mfi=money_flow_index"),
    **_family(
        "volume.VolumeWeightedAveragePrice",
        14,
        "level",
        "volume_vwap=volume_weighted_average_price",
    ),
    **_family("others.DailyReturnIndicator", 2, "pure", "others_dr=daily_return"),
    **_family("others.DailyLogReturnIndicator", 2, "pure", "others_dlr=daily_log_return"),
}

_MEAN = "looks ahead: ta fills its first lags with the mean of the whole series; use "
_ACCUMULATES = "adds up from the first bar on, so it depends on where history begins; use "
_TRADED = "carries units of price and volume that no two symbols share; use ta.volume_cmf"
_HALF_EMPTY = "has no value on half of the bars by design; use ta.trend_psar_up_indicator"

REFUSED: Mapping[str, str] = {
    "trend_kst": _MEAN + "ta.momentum_roc",
    "trend_kst_sig": _MEAN + "ta.momentum_roc",
    "trend_kst_diff": _MEAN + "ta.momentum_roc",
    "trend_visual_ichimoku_a": _MEAN + "ta.trend_ichimoku_a",
    "trend_visual_ichimoku_b": _MEAN + "ta.trend_ichimoku_b",
    "volume_adi": _ACCUMULATES + "ta.volume_cmf",
    "volume_obv": _ACCUMULATES + "ta.volume_mfi",
    "volume_vpt": _ACCUMULATES + "ta.volume_mfi",
    "volume_nvi": _ACCUMULATES + "ta.volume_cmf",
    "others_cr": _ACCUMULATES + "ta.momentum_roc",
    "volume_em": _TRADED,
    "volume_sma_em": _TRADED,
    "volume_fi": _TRADED,
    "trend_psar_up": _HALF_EMPTY,
    "trend_psar_down": _HALF_EMPTY,
}
_SHIFTED = "looks ahead with fillna: ta then fills a lag with the mean of the whole series"
REFUSED_FILLED: Mapping[str, str] = {
    "trend_vortex_ind_pos": _SHIFTED,
    "trend_vortex_ind_neg": _SHIFTED,
    "trend_vortex_ind_diff": _SHIFTED,
    "trend_trix": _SHIFTED,
    "trend_dpo": _SHIFTED,
    "momentum_kama": "looks ahead with fillna: ta then fills its gaps from later bars",
}
